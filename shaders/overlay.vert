// Furniture: rectangles, rounded rectangles and glyphs, as quads in pixels.
uniform vec2 u_size;       // of the framebuffer in pixels
uniform float u_atlas;     // side of the glyph atlas in texels

attribute vec4 a_place;    // pixel, and texel of the glyph or distance from the rectangle's centre
attribute vec4 a_colour;   // sRGB and opacity
attribute vec4 a_shape;    // kind, half width, half height, radius

varying vec2 v_local;
varying vec4 v_colour;
varying vec4 v_shape;

void main() {
    v_local = a_shape.x == 1.0 ? a_place.zw / u_atlas : a_place.zw;
    v_colour = a_colour;
    v_shape = a_shape;
    gl_Position = vec4(a_place.xy / u_size * 2.0 - 1.0, 0.0, 1.0);
}
