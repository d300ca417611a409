// What a ray met: value, state and light, which only falls on values. STATES: 1 when some cell is no finite number.
uniform sampler2D u_values;
#if STATES
uniform sampler2D u_states;
#endif
uniform vec2 u_cells;        // columns and rows

const float NOTHING = 7.0;

#if STATES
const float PADDING = 4.0;

float state_at(vec2 cell) {
    return floor(texture2D(u_states, (cell + 0.5) / u_cells).r * 255.0 + 0.5);
}

// Holes are what is no finite number, down to the ground.
bool hole_at(vec2 cell) {
    float state = state_at(cell);
    return state > 0.5 && state < PADDING - 0.5;
}
#endif

vec4 found(vec2 cell, float value, float light) {
#if STATES
    float state = state_at(cell);
#else
    float state = 0.0;
#endif
    return state > 0.5 ? vec4(0.0, state, 1.0, 0.0) : vec4(value, 0.0, light, 0.0);
}
