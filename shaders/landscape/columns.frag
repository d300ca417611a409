// Cells as columns with flat tops: the first one that a ray meets, in plain colours.
#include "ray.glsl"
#include "seek.glsl"
#include "found.glsl"

void main() {
    Ray r = ray();
    start(r);
    seek(r);
    if (t < r.last) {
        gl_FragColor = found(block, texture2D(u_values, (block + 0.5) / u_cells).r, 1.0);
    } else {
        gl_FragColor = vec4(0.0, NOTHING, 1.0, 0.0);
    }
}
