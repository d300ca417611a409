// What is no finite number in the volume's texture. STATES: 1 when something is.
#if STATES
uniform sampler3D u_states;

// The state of the voxel at a position.
float state_at(vec3 position) {
    return floor(texture3D(u_states, place(position)).r * 255.0 + 0.5);
}

// Whether it is no finite number, which is remembered.
bool special_at(vec3 position) {
    float state = state_at(position);
    meet(state);
    return state > 0.5;
}
#endif
