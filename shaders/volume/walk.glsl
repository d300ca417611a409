// Every voxel that a ray crosses, in order (Amanatides & Woo 1987), each boundary computed anew so that nothing adds up.
vec3 entered_at(Ray r, float t, vec3 low, vec3 high) {
    return clamp(floor(r.origin + t * r.towards), low, high);
}

void walk(Ray r, float t, float last, vec3 low, vec3 high) {
    vec3 cell = entered_at(r, t, low, high);
    vec3 onward = sign(r.towards);
    vec3 ahead = max(onward, 0.0);
    while (t < last && !done) {
        vec3 next = (cell + ahead - r.origin) * r.inverse;
        float leave = min(next.x, min(next.y, next.z));
        visit(cell + 0.5, min(leave, last) - t);
        t = leave;
        crossed = vec3(lessThanEqual(next, vec3(t)));
        cell += onward * crossed;
    }
}

void traverse(Ray r) {
#if BRICKS
    for (float t = r.first + 0.5 * GLANCE; t < r.last; t += GLANCE) {
        visit(entered_at(r, t, floor(u_low), ceil(u_box) - 1.0) + 0.5, 0.0);
    }
    vec3 brick = floor(entered_at(r, r.first, floor(u_low), ceil(u_box) - 1.0) / BRICK_SIDE);
    vec3 onward = sign(r.towards);
    vec3 ahead = max(onward, 0.0);
    float t = r.first;
    while (t < r.last) {
        float leave = t;
        bool skips = true;
        vec3 here = brick;
        while (t < r.last && skips) {
            here = brick;
            vec3 next = ((brick + ahead) * BRICK_SIDE - r.origin) * r.inverse;
            leave = min(next.x, min(next.y, next.z));
            brick += onward * vec3(lessThanEqual(next, vec3(leave)));
            skips = brick_score(here) <= best;
            t = skips ? leave : t;
        }
        if (!skips) {
            vec3 low = here * BRICK_SIDE;
            vec3 high = min(low + (BRICK_SIDE - 1.0), ceil(u_box) - 1.0);
            walk(r, t, min(leave, r.last), max(low, floor(u_low)), high);
        }
        t = leave;
    }
#else
    crossed = vec3(greaterThanEqual(min((u_low - r.origin) * r.inverse, (u_box - r.origin) * r.inverse), vec3(r.first)));
    walk(r, r.first, r.last, floor(u_low), ceil(u_box) - 1.0);
#endif
}
