// Which texel of the atlas a fragment shows. All of it is exact: the processor fits offset and step of each span so
// that the floor below gives the very cell that float64 arithmetic gives (nnscope/render/placement.py).
uniform float u_atlas;     // side of the atlas in texels

varying vec2 v_start;      // first pixel of the span, at its centre
varying float v_step;      // cells per pixel
varying vec2 v_offset;     // cell, within the tile, of the first pixel
varying vec2 v_slot;       // first texel of the tile in the atlas

vec2 texel() {
    vec2 cell = floor((gl_FragCoord.xy - v_start) * v_step + v_offset);
    return (cell + v_slot + 0.5) / u_atlas;
}
