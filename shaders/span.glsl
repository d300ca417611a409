// What is the same for all fragments of a span.
#include "constant.glsl"

CONSTANT varying vec2 v_start;   // first pixel, at its centre
CONSTANT varying vec2 v_step;    // cells per pixel
CONSTANT varying vec2 v_offset;  // cell, within the tile, of the first pixel
CONSTANT varying vec2 v_slot;    // texture coordinates of the tile's first texel, at its centre
