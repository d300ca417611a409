// Where along a ray the bricks with anything in them begin and end: their faces were drawn into u_ends (occupied.frag).
// Bricks are drawn with the voxels around them, so a quarter of a voxel makes up for all rounding.
const float ROUNDING = 0.25;

uniform sampler2D u_ends;    // how much less than u_beyond the nearest is, and how far the farthest; 0 for none
uniform vec2 u_texel_of_ends;
uniform float u_beyond;      // farther along any ray than any face
uniform float u_within;      // 1 when the eye is in or next to such a brick

vec2 occupied(vec2 part) {
    vec2 ends = texture2D(u_ends, gl_FragCoord.xy * u_texel_of_ends).rg;
    float from = u_within > 0.5 ? part.x : max(u_beyond - ends.r - ROUNDING, part.x);
    float to = min(ends.g + ROUNDING, part.y);
    return ends.g > 0.0 && from < to ? vec2(from, to) : vec2(part.y);
}
