// The extreme value along each ray: MODE 0 the greatest, 1 the least, 2 the largest magnitude with its sign. STATES: 1
// when some voxel is no finite number (then LINEAR is 0).
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"

float score(float value) {
#if MODE == 0
    return value;
#elif MODE == 1
    return -value;
#else
    return abs(value);
#endif
}

float value_of(float score, float sign) {
#if MODE == 0
    return score;
#elif MODE == 1
    return -score;
#else
    return score * sign;
#endif
}

float best = LOWEST;         // score of what was found
float best_sign = 1.0;

void take(float value) {
    float s = score(value);
#if MODE == 2
    best_sign = s > best ? sign(value) : best_sign;
#endif
    best = max(best, s);
}

void visit(vec3 position, float length) {
#if STATES
    if (special_at(position)) {
        return;
    }
#endif
    take(value_at(position));
}

#if BRICKS
bool worth(float score) {
    return score > best;
}

void passed(float length) {
}
#endif
#if TIGHT
uniform float u_floor;       // the score of everything outside of the bricks that were drawn

void outside(float length) {
    best = length > 0.0 ? u_floor : best;
}
#endif
#include "traverse.glsl"

void main() {
    Ray r = ray();
    send(r);
    gl_FragColor = found(best > LOWEST, value_of(best, best_sign), MODE);
}
