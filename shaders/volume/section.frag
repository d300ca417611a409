// Where a plane cuts the cubes of a list open: what cubes.frag with CUT sees where a ray begins on the plane. SHADED: as
// in cube.glsl; MODE: as in slab.glsl. STATES is 1 here.
#include "ray.glsl"
#include "found.glsl"
#include "cube.glsl"
#include "slab.glsl"
#include "shown.glsl"

const float ROUNDING = 1e-3; // of a voxel, behind the plane

uniform sampler2D u_tree;    // for each node eight numbers, one for each half along x, y and z: see leaf_at()
uniform vec2 u_tree_shape;   // numbers in a row of it, rows
uniform float u_root;        // voxels along a side of the first node
uniform float u_threshold;

vec3 low = vec3(0.0);        // of the leaf found last
float side = 0.0;

// The number of the leaf in which a position lies; -1 for none. The table holds 1 + that of a leaf, or minus that of a
// node further down, or 0 for nothing.
float leaf_at(vec3 position) {
    float node = 0.0;
    float entry = -1.0;
    low = vec3(0.0);
    side = u_root;
    while (entry < 0.0) {
        side *= 0.5;
        vec3 half_of = step(low + side, position);
        low += half_of * side;
        entry = texture2D(u_tree, texel(8.0 * node + dot(half_of, vec3(1.0, 2.0, 4.0)), u_tree_shape)).r;
        node = -entry;
    }
    return entry - 1.0;
}

// Value and state of what is seen at a position.
vec2 seen_at(vec3 position) {
    float number = leaf_at(position);
    if (number < 0.0) {
        return vec2(0.0, NOTHING);
    }
    vec2 seen = shown(number);
    return seen.y == 0.0 && abs(seen.x) < u_threshold ? vec2(0.0, NOTHING) : seen;
}

void take(vec3 position) {
    vec2 seen = seen_at(position);
    meet(seen.y);
    if (seen.y == 0.0) {
        add(seen.x);
    }
}

void main() {
    Ray r = ray();
    if (!on_cut) {
        discard;
    }
    vec3 start = r.origin + r.first * r.towards;
    take_through(start);
    vec4 seen = found(count > 0.0, reduced(), MODE);
    vec3 inside = start + 0.5 * u_step;
    if (seen.g == NOTHING) {
        inside = start + ROUNDING * u_plane.xyz;
        seen.rg = seen_at(inside);
    } else if (u_through > 1.0) {
        gl_FragColor = seen;
        return;
    }
    if (seen.g == NOTHING) {
        discard;
    }
    leaf_at(inside);
    seen.b = light_on_cut(r, inside - low, side);
    gl_FragColor = seen;
}
