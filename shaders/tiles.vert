// Quads of tiles, given in pixels.
#include "span.glsl"
#include "surface.glsl"

attribute vec2 a_corner;   // pixels
attribute vec4 a_start;    // centre of the first pixel, cells per pixel
attribute vec4 a_place;    // offset within the tile, slot in the atlas

void main() {
    v_start = a_start.xy;
    v_step = a_start.zw;
    v_offset = a_place.xy;
    v_slot = a_place.zw;
    gl_Position = on_surface(a_corner);
}
