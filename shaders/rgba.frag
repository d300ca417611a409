// Tiles that are colours already: alpha 255 is a colour, any other alpha is the number of a state.
#include "cell.glsl"
#include "palette.glsl"

uniform sampler2D u_cells;

void main() {
    vec4 cell = texture2D(u_cells, texel());
    float state = floor(cell.a * 255.0 + 0.5);
    gl_FragColor = state > 254.5 ? vec4(cell.rgb, 1.0) : palette(state_index(state));
}
