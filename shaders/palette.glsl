// A palette is one row of 512 texels: the colour map, then under, over, and the states that are no number.
uniform sampler2D u_palettes;
uniform float u_row;       // texture coordinate of the palette's row

const float UNDER = 256.0;
const float OVER = 257.0;

vec4 palette(float index) {
    return vec4(texture2D(u_palettes, vec2((index + 0.5) / 512.0, u_row)).rgb, 1.0);
}

float state_index(float state) {
    return OVER + state;
}
