// Quads of tiles, given in pixels. Row 0 of the framebuffer is the top row of the picture, so y is not flipped.
#include "span.glsl"

uniform vec2 u_size;       // of the framebuffer in pixels

attribute vec2 a_corner;   // pixels
attribute vec3 a_start;    // centre of the first pixel, cells per pixel
attribute vec4 a_place;    // offset within the tile, slot in the atlas

void main() {
    v_start = a_start.xy;
    v_step = a_start.z;
    v_offset = a_place.xy;
    v_slot = a_place.zw;
    gl_Position = vec4(a_corner / u_size * 2.0 - 1.0, 0.0, 1.0);
}
