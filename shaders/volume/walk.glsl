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

void traverse(Ray r, vec2 part, vec2 within) {
#if TIGHT
    outside(part.y - part.x - (within.y - within.x));
#endif
    vec3 innermost = floor(u_low);
    vec3 outermost = ceil(u_box) - 1.0;
    crossed = vec3(greaterThanEqual(min((u_low - r.origin) * r.inverse, (u_box - r.origin) * r.inverse), vec3(within.x)));
#if BRICKS
#if GLANCE
    for (float t = within.x + 0.5 * float(GLANCE); t < within.y; t += float(GLANCE)) {
        visit(entered_at(r, t, innermost, outermost) + 0.5, 0.0);
    }
#endif
    vec3 brick = floor(entered_at(r, within.x, innermost, outermost) / SIDE);
    vec3 onward = sign(r.towards);
    vec3 ahead = max(onward, 0.0);
    vec3 faces = crossed;
    float t = within.x;
    while (t < within.y && !done) {
        float first = t;
        float leave = t;
        bool idle = true;
        vec3 here = brick;
        while (t < within.y && idle) {
            here = brick;
            crossed = faces;
            vec3 next = ((brick + ahead) * SIDE - r.origin) * r.inverse;
            leave = min(next.x, min(next.y, next.z));
            faces = vec3(lessThanEqual(next, vec3(leave)));
            brick += onward * faces;
            idle = !worth(brick_score(here));
            t = idle ? leave : t;
        }
        passed(min(t, within.y) - first);
        bool more = !idle;
        while (leave < within.y && more) {  // those behind it that are worth a look, too: see traverse.glsl
            vec3 next = ((brick + ahead) * SIDE - r.origin) * r.inverse;
            float end = min(next.x, min(next.y, next.z));
            vec3 through = vec3(lessThanEqual(next, vec3(end)));
            more = worth(brick_score(brick));
            leave = more ? end : leave;
            faces = more ? through : faces;
            brick += more ? onward * through : vec3(0.0);
        }
        if (!idle) {
            vec3 low = here * SIDE;
            vec3 high = min(low + (SIDE - 1.0), outermost);
            walk(r, t, min(leave, within.y), max(low, innermost), high);
            t = leave;
        }
    }
#else
    walk(r, within.x, within.y, innermost, outermost);
#endif
}
