// What a ray found: a value, a state, and how much light falls there. NOTHING where there is no element on the ray.
const float NOTHING = 7.0;
const float NAN_STATE = 1.0;
const float POSINF = 2.0;
const float NEGINF = 3.0;
const float LOWEST = -3.4028234e38;

bool done = false;           // whether nothing further along the ray matters
vec3 crossed = vec3(0.0);    // 1 for the axes along which a walk entered the present voxel

#if STATES
vec3 met = vec3(0.0);        // whether NaN, +Inf, -Inf was met

void meet(float state) {
    met = max(met, vec3(equal(vec3(state), vec3(NAN_STATE, POSINF, NEGINF))));
}

// What stands for a ray with or without finite values; mode as in extreme.frag, 3 for a mean.
float state_of(bool finite, int mode) {
    bool above = met.y > 0.5 && (mode == 0 || mode == 2);
    bool below = met.z > 0.5 && (mode == 1 || mode == 2);
    if (above) {
        return POSINF;
    }
    if (below) {
        return NEGINF;
    }
    if (finite) {
        return 0.0;
    }
    return met.x > 0.5 ? NAN_STATE : met.y > 0.5 ? POSINF : met.z > 0.5 ? NEGINF : NOTHING;
}
#endif

vec4 found(bool finite, float value, int mode) {
#if STATES
    float state = state_of(finite, mode);
#else
    float state = finite ? 0.0 : NOTHING;
#endif
    return vec4(state == 0.0 ? value : 0.0, state, 1.0, 0.0);
}
