// Voxels as a coloured mist, composed from the front: each absorbs 1 - exp(-extinction * length) of what is behind it and
// shows so much of its own colour. Ends where nothing behind can be seen. LINEAR, STATES: as in extreme.frag; CURVE: as
// in scale.glsl, which comes before this text. TINTED: 1 when voxels have colours of their own, as bright as their values
// are strong; WEIGHED: 1 when depths have opacities of their own.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"

const float CLEAR = 0.004;   // of the light from behind, below which the rest is left out

uniform sampler2D u_extinctions;  // per voxel of level 0, for each place in the palette
uniform float u_side;        // voxels of level 0 along a voxel

#if TINTED
uniform sampler3D u_tints;
uniform float u_both;        // 1 when the scale is one of both signs: what lies in its middle is dark
#endif
#if WEIGHED
uniform sampler3D u_weights; // along the depth
#endif

vec3 shown_at(vec3 position, float index) {
#if TINTED
    float u = index < 256.0 ? index / 255.0 : index - UNDER;
    float strength = mix(u, abs(2.0 * u - 1.0), u_both);
    return texture3D(u_tints, (floor(position) + 0.5) * u_texel).rgb * strength;
#else
    return palette(index).rgb;
#endif
}

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
#if WEIGHED
    extinction *= texture3D(u_weights, (floor(position) + 0.5) * u_texel).r;
#endif
    float passes = exp(-extinction * length * u_side);
    colour += through * (1.0 - passes) * shown_at(position, index);
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
