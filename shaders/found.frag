// What rays found, as colours. COLOURS: 0 values with a state, NOTHING where a ray met none, and how much light falls
// there; 1 colours that are mixed already, with the share of what is behind that they hide.
#if !COLOURS
#include "scale.glsl"

const float NOTHING = 7.0;
#endif

uniform sampler2D u_found;
varying vec2 v_place;

void main() {
    vec4 found = texture2D(u_found, v_place);
#if COLOURS
    gl_FragColor = found;
#else
    if (found.g > NOTHING - 0.5) {
        discard;
    }
    vec4 colour = palette(found.g > 0.5 ? state_index(found.g) : colour_index(found.r));
    gl_FragColor = vec4(colour.rgb * found.b, 1.0);
#endif
}
