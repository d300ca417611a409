// The ray of a fragment over the ground, in (column, height, row): cells are unit squares of the level that is drawn, and
// heights go from 0 to 1 (nnscope/compute/space/relief.py). Rays are affine in the pixel, and row 0 of the target is the
// top row. The box reaches a little below the ground, so that none is lost there by rounding.
const float GROUND = -1e-3;

uniform vec2 u_pixel;        // device pixels per texel of the target
uniform vec3 u_origin;
uniform vec3 u_origin_x;
uniform vec3 u_origin_y;
uniform vec3 u_towards;
uniform vec3 u_towards_x;
uniform vec3 u_towards_y;
uniform vec3 u_box;          // columns, 1, rows; it may end within the last cells of a coarse level

struct Ray {
    vec3 origin;
    vec3 towards;            // no part of it 0
    vec3 inverse;
    float first;             // where it enters the box and where it leaves it; first >= last: it misses the box
    float last;
    vec3 entered;            // 1 for the axis along which it enters
};

Ray ray() {
    vec2 at = gl_FragCoord.xy * u_pixel;
    Ray r;
    r.origin = u_origin + at.x * u_origin_x + at.y * u_origin_y;
    vec3 towards = u_towards + at.x * u_towards_x + at.y * u_towards_y;
    r.towards = mix(towards, vec3(1e-12), vec3(lessThan(abs(towards), vec3(1e-12))));
    r.inverse = 1.0 / r.towards;
    vec3 low = (vec3(0.0, GROUND, 0.0) - r.origin) * r.inverse;
    vec3 high = (u_box - r.origin) * r.inverse;
    vec3 near = min(low, high);
    vec3 far = max(low, high);
    r.first = max(max(near.x, near.y), max(near.z, 0.0));
    r.entered = vec3(greaterThanEqual(near, vec3(r.first)));
    r.last = min(min(far.x, far.y), far.z);
    return r;
}
