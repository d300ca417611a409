// What lies on a cut: the value under each place of it, or what a slab is reduced to across: MODE as in slab.glsl.
// COLOURS: 1 where rays mix colours themselves; CURVE then as in scale.glsl, which comes before this text. STATES, FOLD as
// in extreme.frag; CUT is 0 here: the ray goes through all of the box.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"
#include "slab.glsl"

const float ON_PLANE = 1e-3; // as in ray.glsl

uniform vec4 u_onto;         // the plane, as u_plane in ray.glsl
uniform float u_factor;      // of values, where colours are those of sums

void take(vec3 position) {
    vec3 centre = floor(position) + 0.5;  // a value as it is, whatever the texture interpolates
#if STATES
    if (special_at(centre)) {
        return;
    }
#endif
    add(value_at(centre));
}

void main() {
    Ray r = ray();
    float facing = dot(u_onto.xyz, r.towards);
    float t = (u_onto.w - dot(u_onto.xyz, r.origin)) / max(facing, 1e-20);
    bool before = facing > 0.0 && dot(u_onto.xyz, r.origin + r.first * r.towards) < u_onto.w + ON_PLANE;
    if (!before || t > r.last || r.first >= r.last) {
        discard;
    }
    take_through(r.origin + max(t, r.first) * r.towards);
    vec4 seen = found(count > 0.0, reduced() * u_factor, MODE);
#if COLOURS
    if (seen.g > NOTHING - 0.5) {
        discard;
    }
    seen = vec4(palette(seen.g > 0.5 ? state_index(seen.g) : colour_index(seen.r)).rgb, 1.0);
#endif
    gl_FragColor = seen;
}
