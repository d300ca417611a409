// Along a ray to the next cell that it is not above throughout. Blocks of 2, 4, 8, 16 and more cells a side over which it is are
// left behind in one step: the search falls to the four blocks within one that it can't skip, and rises when it leaves
// the block around (Tevs, Ihrke & Seidel 2008, "Maximum mipmaps for fast, accurate, and scalable dynamic height field
// rendering"). Blocks are counted in whole numbers, and each boundary is computed anew, so nothing adds up.
//
// One texture holds the greatest heights of all blocks: nnscope/compute/space/relief.py, peaks(). SMOOTH: 1 when it is of
// patches, which lie between the middles of cells, instead of cells.
uniform sampler2D u_peaks;
uniform vec2 u_texel;        // size of a texel in texture coordinates
uniform vec2 u_strip;        // where blocks of more than one cell begin
uniform vec2 u_along;        // from there to the end of them all
uniform vec2 u_ends;         // cells along each side
uniform float u_top;         // cells along the block that holds all

#if SMOOTH
const float SHIFT = 0.5;
#else
const float SHIFT = 0.0;
#endif

vec2 block = vec2(0.0);      // where the search is, in blocks of `side` cells
float side = 1.0;
float t = 0.0;
float peak = 0.0;            // of the block
vec2 crossed = vec2(0.0);    // 1 for the axes along which the search came to it, or to the block that holds it

float peak_of(vec2 block, float side) {
    vec2 corner = side > 1.5 ? u_strip + u_along * (1.0 - 2.0 / side) : vec2(0.0);
    return texture2D(u_peaks, (block + corner + 0.5) * u_texel).r;
}

// Where the ray leaves the block, and 1 for the axes along which it does.
vec3 leaves(Ray r) {
    vec2 ahead = max(sign(r.towards.xz), 0.0);
    vec2 next = ((block + ahead) * side - (r.origin.xz + SHIFT)) * r.inverse.xz;
    float leave = min(min(next.x, next.y), r.last);
    return vec3(leave, vec2(lessThanEqual(next, vec2(leave))));
}

// Whether a block lies outside: by rounding a ray may leave the last one a little before it leaves the box.
bool outside(vec2 block) {
    return any(lessThan(block, vec2(0.0))) || any(greaterThanEqual(block * side, u_ends));
}

void start(Ray r) {
    t = r.first;
    side = u_top;
}

void seek(Ray r) {
    vec2 onward = sign(r.towards.xz);
    bool falls = r.towards.y < 0.0;
    bool found = false;
    while (t < r.last && !found) {
        vec3 next = leaves(r);
        float leave = next.x;
        float low = r.origin.y + r.towards.y * (falls ? leave : t);
        peak = peak_of(block, side);
        bool over = low > peak;
        bool whole = side > 1.5;
        found = !over && !whole;
        vec2 moved = block + onward * next.yz;
        vec2 around = floor(moved * 0.5);
        float after = outside(moved) ? r.last : leave;
        bool rises = around != floor(block * 0.5) && side < u_top;
        vec2 here = floor((r.origin.xz + SHIFT + t * r.towards.xz) / (0.5 * side));
        vec2 last = min(2.0 * block + 1.0, floor((u_ends - 1.0) / (0.5 * side)));
        vec2 within = clamp(here, 2.0 * block, last);
        block = over ? (rises ? around : moved) : (whole ? within : block);
        side = over ? (rises ? 2.0 * side : side) : (whole ? 0.5 * side : side);
        t = over ? after : t;
        crossed = over ? next.yz : crossed;
    }
}
