// The cells of tiles as colours. STATES: 0 when every cell is a finite number.
#include "cell.glsl"
#include "scale.glsl"

uniform sampler2D u_cells;   // value, state

void main() {
    vec2 cell = texture2D(u_cells, texel()).rg;
    float index = colour_index(cell.r);
#if STATES
    index = cell.g > 0.5 ? state_index(cell.g) : index;
#endif
    gl_FragColor = palette(index);
}
