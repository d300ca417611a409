// A face of a cube: the ray says where it is met, so that this is what cubes.frag sees. SHADED: as in cube.glsl.
#include "ray.glsl"
#include "cube.glsl"

varying vec4 v_low;
varying vec3 v_high;
varying vec2 v_shown;

void main() {
    Ray r = ray();
    vec3 low = max(floor(v_low.xyz + 0.5), u_low);
    vec3 high = min(floor(v_high + 0.5), u_box);
    vec3 near = min((low - r.origin) * r.inverse, (high - r.origin) * r.inverse);
    float t = max(max(near.x, near.y), max(near.z, 0.0));
    vec3 entered = vec3(greaterThanEqual(near, vec3(t)));
    float light = light_on(r, t, entered, floor(v_low.xyz + 0.5), v_low.w);
    gl_FragColor = vec4(v_shown.x, floor(v_shown.y + 0.5), light, 0.0);
}
