// The values along each ray, weighted by the length of the ray that belongs to each. MODE: 3 their mean; 4 their sum, in
// voxels of level 0. LINEAR, STATES: as in extreme.frag.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"

uniform float u_side;        // voxels of level 0 along a voxel

float total = 0.0;
float length_of_all = 0.0;

void visit(vec3 position, float length) {
#if STATES
    if (special_at(position)) {
        return;
    }
#endif
    total += value_at(position) * length;
    length_of_all += length;
}

#if BRICKS
bool worth(float score) {
    return score > 0.0;
}

void passed(float length) {
    length_of_all += length;
}
#endif
#if TIGHT
void outside(float length) {
    length_of_all += length;
}
#endif
#include "traverse.glsl"

void main() {
    Ray r = ray();
    send(r);
#if MODE == 3
    gl_FragColor = found(length_of_all > 0.0, total / max(length_of_all, 1e-30), MODE);
#else
    gl_FragColor = found(length_of_all > 0.0, total * u_side, MODE);
#endif
}
