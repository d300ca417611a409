// Voxels as a coloured mist, composed from the front: each absorbs 1 - exp(-extinction * length) of what is behind it and
// shows so much of its own colour. Ends where nothing behind can be seen. LINEAR, STATES: as in extreme.frag; CURVE: as
// in scale.glsl, which comes before this text.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"

const float CLEAR = 0.004;   // of the light from behind, below which the rest is left out

uniform sampler2D u_extinctions;  // per voxel of level 0, for each place in the palette
uniform float u_side;        // voxels of level 0 along a voxel

vec3 colour = vec3(0.0);
float through = 1.0;         // share of the light from behind

void visit(vec3 position, float length) {
#if STATES
    if (special_at(position)) {
        return;
    }
#endif
    float index = colour_index(value_at(position));
    float extinction = texture2D(u_extinctions, vec2((index + 0.5) / 512.0, 0.5)).r;
    float passes = exp(-extinction * length * u_side);
    colour += through * (1.0 - passes) * palette(index).rgb;
    through *= passes;
    done = through < CLEAR;
}

#if BRICKS
bool worth(float score) {
    return score > 0.0;
}

void passed(float length) {
}
#endif
#if TIGHT
void outside(float length) {
}
#endif
#include "traverse.glsl"

void main() {
    Ray r = ray();
    send(r);
    gl_FragColor = vec4(colour, 1.0 - (done ? 0.0 : through));
}
