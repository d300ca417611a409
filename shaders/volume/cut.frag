// What lies on a cut: the value under each place of it, or what a slab is reduced to across. MODE: 0 the greatest, 2 the
// largest magnitude with its sign, 3 the mean. COLOURS: 1 where rays mix colours themselves; CURVE then as in scale.glsl,
// which comes before this text. STATES, FOLD as in extreme.frag; CUT is 0 here: the ray goes through all of the box.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"

uniform vec4 u_onto;         // the plane, as u_plane in ray.glsl
uniform vec3 u_step;         // from one value through the slab to the next
uniform float u_through;     // how many
uniform float u_factor;      // of values, where colours are those of sums
uniform vec3 u_size;         // of the whole volume

float total = 0.0;
float count = 0.0;
float best = 0.0;

void take(vec3 position) {
    vec3 centre = floor(position) + 0.5;  // a value as it is, whatever the texture interpolates
#if STATES
    if (special_at(centre)) {
        return;
    }
#endif
    float value = value_at(centre);
#if MODE == 0
    best = count > 0.0 ? max(best, value) : value;
#else
    best = abs(value) > abs(best) ? value : best;
#endif
    total += value;
    count += 1.0;
}

void main() {
    Ray r = ray();
    float facing = dot(u_onto.xyz, r.towards);
    float t = (u_onto.w - dot(u_onto.xyz, r.origin)) / max(facing, 1e-20);
    if (facing <= 0.0 || t <= r.first || t > r.last) {
        discard;
    }
    vec3 position = r.origin + t * r.towards + 0.5 * u_step;
    for (float k = 0.0; k < u_through; k += 1.0) {
        if (all(greaterThanEqual(position, vec3(0.0))) && all(lessThan(position, u_size))) {
            take(position);
        }
        position += u_step;
    }
#if MODE == 3
    best = total / max(count, 1.0);
#endif
    vec4 seen = found(count > 0.0, best * u_factor, MODE);
#if COLOURS
    if (seen.g > NOTHING - 0.5) {
        discard;
    }
    seen = vec4(palette(seen.g > 0.5 ? state_index(seen.g) : colour_index(seen.r)).rgb, 1.0);
#endif
    gl_FragColor = seen;
}
