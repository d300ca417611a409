// Furniture: rectangles, rounded rectangles and glyphs, as quads in pixels.
#include "constant.glsl"
#include "surface.glsl"

uniform float u_atlas;     // side of the glyph atlas in texels

attribute vec4 a_place;    // pixel, and texel of the glyph or distance from the rectangle's centre
attribute vec4 a_colour;   // sRGB and opacity
attribute vec4 a_shape;    // kind, half width, half height, radius

varying vec2 v_local;
CONSTANT varying vec4 v_colour;
CONSTANT varying vec4 v_shape;

void main() {
    v_local = a_shape.x == 1.0 ? a_place.zw / u_atlas : a_place.zw;
    v_colour = a_colour;
    v_shape = a_shape;
    gl_Position = on_surface(a_place.xy);
}
