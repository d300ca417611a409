// A face of a cube: the ray says where it is met, so that this is what cubes.frag sees. SHADED: as in cube.glsl.
#include "ray.glsl"
#include "cube.glsl"

varying vec4 v_low;
varying vec3 v_high;
varying float v_number;

uniform sampler2D u_shown;   // value and state of each cube, exact, which what is interpolated is not
uniform vec2 u_shape;        // cubes in a row of it, rows

void main() {
    Ray r = ray();
    vec3 low = max(floor(v_low.xyz + 0.5), u_low);
    vec3 high = min(floor(v_high + 0.5), u_box);
    vec3 near = min((low - r.origin) * r.inverse, (high - r.origin) * r.inverse);
    float t = max(max(near.x, near.y), max(near.z, 0.0));
    vec3 entered = vec3(greaterThanEqual(near, vec3(t)));
    float light = light_on(r, t, entered, floor(v_low.xyz + 0.5), v_low.w);
    float number = floor(v_number + 0.5);
    float row = floor((number + 0.5) / u_shape.x);
    vec2 shown = texture2D(u_shown, (vec2(number - row * u_shape.x, row) + 0.5) / u_shape).rg;
    gl_FragColor = vec4(shown.x, floor(shown.y + 0.5), light, 0.0);
}
