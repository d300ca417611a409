// What a ray met: value, state and light. STATES: 1 when some cell is no finite number.
uniform sampler2D u_values;
#if STATES
uniform sampler2D u_states;
#endif
uniform vec2 u_cells;        // columns and rows

const float NOTHING = 7.0;

vec4 found(vec2 cell, float value, float light) {
#if STATES
    float state = floor(texture2D(u_states, (cell + 0.5) / u_cells).r * 255.0 + 0.5);
#else
    float state = 0.0;
#endif
    return vec4(state > 0.5 ? 0.0 : value, state, light, 0.0);
}
