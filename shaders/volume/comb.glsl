// Samples in the middles of equal pieces of the ray, none longer than u_step: the same comb with or without skipping. A
// whole number of pieces is not missed by rounding.
uniform float u_step;        // between samples, in voxels, at most

float pace = 0.0;            // between samples, in voxels

void traverse(Ray r, vec2 part, vec2 within) {
    float count = max(ceil((r.last - r.first) / u_step - 1e-3), 1.0);
    pace = (r.last - r.first) / count;
    float start = r.first + 0.5 * pace;
    vec3 origin = r.origin + start * r.towards;  // of sample 0
    vec3 onward = pace * r.towards;
    vec2 bounds = clamp(ceil((within - start) / pace), 0.0, count);  // the first sample at or after each
    float k = bounds.x;
    float beyond = bounds.y;
#if TIGHT
    vec2 all = clamp(ceil((part - start) / pace), 0.0, count);
    outside((all.y - all.x - (beyond - k)) * pace);
#endif
#if BRICKS
#if GLANCE
    float stride = max(floor(float(GLANCE) / pace), 1.0);
    for (float glance = k + floor(0.5 * stride); glance < beyond; glance += stride) {
        visit(origin + glance * onward, 0.0);
    }
#endif
    // In bricks: brick i ends at sample i * inverse + ends, along each axis.
    vec3 base = origin / SIDE;
    vec3 along = onward / SIDE;
    vec3 inverse = 1.0 / along;
    vec3 ends = (step(vec3(0.0), along) - base) * inverse;
    while (k < beyond && !done) {
        float first = k;
        float end = k;
        bool idle = true;
        while (k < beyond && idle) {
            vec3 brick = floor(base + k * along);
            vec3 leaves = brick * inverse + ends;
            end = max(ceil(min(leaves.x, min(leaves.y, leaves.z))), k + 1.0);
            idle = !worth(brick_score(brick));
            k = idle ? end : k;
        }
        passed((min(k, beyond) - first) * pace);
        bool more = !idle;
        while (end < beyond && more) {  // those behind it that are worth a look, too: see traverse.glsl
            vec3 brick = floor(base + end * along);
            vec3 leaves = brick * inverse + ends;
            more = worth(brick_score(brick));
            end = more ? max(ceil(min(leaves.x, min(leaves.y, leaves.z))), end + 1.0) : end;
        }
        end = min(end, beyond);
        while (k < end && !done) {
            visit(origin + k * onward, pace);
            k += 1.0;
        }
    }
#else
    while (k < beyond && !done) {
        visit(origin + k * onward, pace);
        k += 1.0;
    }
#endif
}
