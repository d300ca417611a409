// The first cube along each ray whose magnitude reaches a threshold, or that is no finite number: a walk through the grid
// on which the leaves of an octree lie (Amanatides & Woo 1987). BRICKS: 1 skips bricks, and courts of bricks, without such
// a cell; STATES: 1 when some cell is no finite number; FOLD: as in voxels.glsl; SHADED: as in cube.glsl; CUT: 2 when a
// plane cuts cubes open, which then show what of the slab behind it is seen, or what begins there; MODE: as in slab.glsl.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"
#include "cube.glsl"
#if CUT
#include "slab.glsl"
#endif

const float PADDING = 4.0;
const float BRICK_SIDE = 8.0;
const float COURT_SIDE = 32.0;

#if SHADED
uniform sampler3D u_nodes;   // levels of the nodes in which cells lie, less that of the cells
#endif
#if BRICKS
uniform sampler3D u_peaks;   // largest magnitude in each brick
uniform vec3 u_bricks;       // along each axis
uniform sampler3D u_courts;  // and in each court of 4 x 4 x 4 bricks
#endif
uniform float u_threshold;

float state = NOTHING;
float value = 0.0;

// Whether a cell is seen, which is remembered.
bool stops(vec3 cell) {
    vec3 at = place(cell + 0.5);
    value = texture3D(u_values, at).r;
    state = abs(value) >= u_threshold ? 0.0 : NOTHING;
#if STATES
    float odd = state_at(cell + 0.5);
    state = odd < 0.5 ? state : odd == PADDING ? NOTHING : odd;
#endif
    return state != NOTHING;
}

// Along a side of the node that a cell lies in, in cells.
float node_side(vec3 cell) {
#if SHADED
    return exp2(floor(texture3D(u_nodes, place(cell + 0.5)).r * 255.0 + 0.5));
#else
    return 1.0;
#endif
}

#if CUT
const float ROUNDING = 1e-3; // of a cell, behind the plane

void take(vec3 position) {
    if (stops(floor(position))) {
#if STATES
        meet(state);
#endif
        if (state == 0.0) {
            add(value);
        }
    }
}

float cut_light(Ray r, vec3 inside) {
    vec3 cell = floor(inside);
    float side = node_side(cell);
    return light_on_cut(r, inside - floor(cell / side) * side, side);
}
#endif

#if BRICKS
float peak(sampler3D peaks, vec3 cell, vec3 count, float side) {
    return texture3D(peaks, (floor(cell / side) + 0.5) / ceil(count)).r;
}
#endif

void main() {
    Ray r = ray();
    vec3 least = floor(u_low);
    vec3 most = ceil(u_box) - 1.0;
    vec3 onward = sign(r.towards);
    vec3 ahead = max(onward, 0.0);
    vec3 entered = vec3(greaterThanEqual(min((u_low - r.origin) * r.inverse, (u_box - r.origin) * r.inverse), vec3(r.first)));
    vec3 start = r.origin + r.first * r.towards;
#if CUT
    if (on_cut) {
        take_through(start);
        vec4 seen = found(count > 0.0, reduced(), MODE);
        if (seen.g != NOTHING) {
            seen.b = u_through > 1.0 ? 1.0 : cut_light(r, start + 0.5 * u_step);
            gl_FragColor = seen;
            return;
        }
        start += ROUNDING * u_plane.xyz;
    }
#endif
    vec3 cell = clamp(floor(start), least, most);
    float t = r.first;
    while (t < r.last && !done) {
        float end = r.last;
#if BRICKS
        bool skips = true;
        vec3 low = cell;
        float leave = t;
        while (t < r.last && skips) {
            float side = peak(u_courts, cell, u_bricks * BRICK_SIDE / COURT_SIDE, COURT_SIDE) < u_threshold ? COURT_SIDE : BRICK_SIDE;
            low = floor(cell / side) * side;
            vec3 next = (low + ahead * side - r.origin) * r.inverse;
            leave = min(next.x, min(next.y, next.z));
            skips = side > BRICK_SIDE || peak(u_peaks, cell, u_bricks, BRICK_SIDE) < u_threshold;
            vec3 through = vec3(lessThanEqual(next, vec3(leave)));
            vec3 beside = clamp(floor(r.origin + leave * r.towards), low, low + (side - 1.0));
            vec3 beyond = mix(beside, low + mix(vec3(-1.0), vec3(side), ahead), through);
            cell = skips ? clamp(beyond, least - 1.0, most + 1.0) : cell;
            entered = skips ? through : entered;
            t = skips ? leave : t;
        }
        end = skips ? t : min(leave, r.last);
#endif
        while (t < end && !done) {
            done = stops(cell);
            vec3 next = (cell + ahead - r.origin) * r.inverse;
            float out_at = min(next.x, min(next.y, next.z));
            vec3 through = vec3(lessThanEqual(next, vec3(out_at)));
            t = done ? t : out_at;
            entered = done ? entered : through;
            cell += done ? vec3(0.0) : onward * through;
        }
    }
    if (!done) {
        gl_FragColor = vec4(0.0, NOTHING, 1.0, 0.0);
        return;
    }
    float side = node_side(cell);
    float light = light_on(r, t, entered, floor(cell / side) * side, side);
#if CUT
    light = on_cut && t == r.first ? cut_light(r, start) : light;
#endif
    gl_FragColor = vec4(state == 0.0 ? value : 0.0, state, light, 0.0);
}
