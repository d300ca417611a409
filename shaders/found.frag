// What rays found, as colours. STATES is 1: values come with a state, NOTHING where a ray met none.
#include "scale.glsl"

const float NOTHING = 7.0;

uniform sampler2D u_found;   // value, state
varying vec2 v_place;

void main() {
    vec2 found = texture2D(u_found, v_place).rg;
    if (found.g > NOTHING - 0.5) {
        discard;
    }
    gl_FragColor = palette(found.g > 0.5 ? state_index(found.g) : colour_index(found.r));
}
