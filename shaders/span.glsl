// What is the same for all fragments of a span. Where the driver can, it is not interpolated: software drivers pay for
// each number that is.
#extension GL_EXT_gpu_shader4 : enable
#ifdef GL_EXT_gpu_shader4
#define CONSTANT flat
#else
#define CONSTANT
#endif

CONSTANT varying vec2 v_start;   // first pixel, at its centre
CONSTANT varying float v_step;   // cells per pixel
CONSTANT varying vec2 v_offset;  // cell, within the tile, of the first pixel
CONSTANT varying vec2 v_slot;    // texture coordinates of the tile's first texel, at its centre
