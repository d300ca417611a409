// A face of a cube: the ray says where it is met, so that this is what cubes.frag sees. SHADED: as in cube.glsl; CUT: 2
// when a plane leaves out what lies before it, and ``section.frag`` draws what it cuts open.
#include "ray.glsl"
#include "cube.glsl"
#include "shown.glsl"

varying vec4 v_low;
varying vec3 v_high;
varying float v_number;

void main() {
    Ray r = ray();
    vec3 low = max(floor(v_low.xyz + 0.5), u_low);
    vec3 high = min(floor(v_high + 0.5), u_box);
    vec3 near = min((low - r.origin) * r.inverse, (high - r.origin) * r.inverse);
    float t = max(max(near.x, near.y), max(near.z, 0.0));
#if CUT
    if (r.first >= r.last || (on_cut && t <= r.first + 1e-3)) {
        discard;
    }
#endif
    vec3 entered = vec3(greaterThanEqual(near, vec3(t)));
    float light = light_on(r, t, entered, floor(v_low.xyz + 0.5), v_low.w);
    vec2 seen = shown(floor(v_number + 0.5));
    gl_FragColor = vec4(seen.x, seen.y, light, 0.0);
}
