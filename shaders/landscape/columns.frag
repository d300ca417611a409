// Cells as columns with flat tops: the first one that a ray meets, in plain colours. Walls of holes belong to the holes.
#include "ray.glsl"
#include "seek.glsl"
#include "found.glsl"

void main() {
    Ray r = ray();
    start(r);
    seek(r);
    if (t < r.last) {
        vec2 cell = block;
#if STATES
        vec2 before = block - sign(r.towards.xz) * crossed;
        bool wall = t > r.first && r.origin.y + t * r.towards.y <= peak;
        cell = wall && hole_at(before) ? before : block;
#endif
        gl_FragColor = found(cell, texture2D(u_values, (cell + 0.5) / u_cells).r, 1.0);
    } else {
        gl_FragColor = vec4(0.0, NOTHING, 1.0, 0.0);
    }
}
