// Which texel of the atlas a fragment shows. All of it is exact: the processor fits offset and step of each span so
// that the floor below gives the very cell that float64 arithmetic gives (nnscope/render/placement.py), and the sides
// of atlases are powers of two.
#include "span.glsl"

uniform float u_texel;     // size of a texel in texture coordinates

vec2 texel() {
    vec2 cell = floor((gl_FragCoord.xy - v_start) * v_step + v_offset);
    return cell * u_texel + v_slot;
}
