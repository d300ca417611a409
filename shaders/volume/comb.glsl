// Samples in the middles of equal pieces of the ray, none longer than u_step: the same comb with or without skipping. A
// whole number of pieces is not missed by rounding.
float pace = 0.0;            // between samples, in voxels

void traverse(Ray r) {
    float count = max(ceil((r.last - r.first) / u_step - 1e-3), 1.0);
    pace = (r.last - r.first) / count;
    float start = r.first + 0.5 * pace;
    float k = 0.0;
#if BRICKS
    float stride = max(floor(GLANCE / pace), 1.0);
    for (float glance = floor(0.5 * stride); glance < count; glance += stride) {
        visit(r.origin + (start + glance * pace) * r.towards, 0.0);
    }
    while (k < count) {
        float end = k;
        bool skips = true;
        while (k < count && skips) {
            vec3 position = r.origin + (start + k * pace) * r.towards;
            vec3 brick = clamp(floor(position / BRICK_SIDE), vec3(0.0), u_bricks - 1.0);
            vec3 next = ((brick + max(sign(r.towards), 0.0)) * BRICK_SIDE - r.origin) * r.inverse;
            float leave = min(next.x, min(next.y, next.z));
            end = max(ceil((leave - start) / pace), k + 1.0);
            skips = brick_score(brick) <= best;
            k = skips ? end : k;
        }
        end = min(end, count);
        while (k < end) {
            visit(r.origin + (start + k * pace) * r.towards, pace);
            k += 1.0;
        }
    }
#else
    while (k < count && !done) {
        visit(r.origin + (start + k * pace) * r.towards, pace);
        k += 1.0;
    }
#endif
}
