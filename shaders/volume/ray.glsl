// The ray of a fragment, and where it is inside the volume. CUT leaves out what lies before a plane: 1 also the rays that
// meet the plane inside the volume; with 2 these begin there. Positions are in voxels of the level that is drawn. The rays
// of a picture are affine in the pixel (nnscope/core/space.py), and row 0 of the target is the top row.
uniform vec2 u_pixel;        // device pixels per texel of the target
uniform vec3 u_origin;
uniform vec3 u_origin_x;
uniform vec3 u_origin_y;
uniform vec3 u_towards;
uniform vec3 u_towards_x;
uniform vec3 u_towards_y;
uniform vec3 u_low;          // the corners of what is shown: of the volume, which may end within the last voxels of a
uniform vec3 u_box;          // coarse level, or of a part of it
#if CUT
uniform vec4 u_plane;        // a unit vector away from the eye, and where along it the cut begins
#endif
#if CUT
const float ON_PLANE = 1e-3; // of a voxel: a plane may lie on a face of the volume, where rounding must not decide
#endif
#if CUT == 2
bool on_cut = false;         // whether the ray begins on the plane
#endif

struct Ray {
    vec3 origin;
    vec3 towards;            // of length 1, no part of it 0
    vec3 inverse;
    float first;             // where it enters the volume and where it leaves it; first >= last: it misses it
    float last;
};

Ray ray() {
    vec2 at = gl_FragCoord.xy * u_pixel;
    Ray r;
    r.origin = u_origin + at.x * u_origin_x + at.y * u_origin_y;
    vec3 towards = normalize(u_towards + at.x * u_towards_x + at.y * u_towards_y);
    r.towards = mix(towards, vec3(1e-12), vec3(lessThan(abs(towards), vec3(1e-12))));
    r.inverse = 1.0 / r.towards;
    vec3 low = (u_low - r.origin) * r.inverse;
    vec3 high = (u_box - r.origin) * r.inverse;
    vec3 near = min(low, high);
    vec3 far = max(low, high);
    r.first = max(max(near.x, near.y), max(near.z, 0.0));
    r.last = min(min(far.x, far.y), far.z);
#if CUT
    float facing = dot(u_plane.xyz, r.towards);
    float met = facing > 0.0 ? (u_plane.w - dot(u_plane.xyz, r.origin)) / facing : 1e30;
    bool before = facing <= 0.0 || dot(u_plane.xyz, r.origin + r.first * r.towards) < u_plane.w + ON_PLANE;
#if CUT == 2
    on_cut = before && max(r.first, met) <= r.last;
    r.first = before ? max(r.first, met) : r.first;
#else
    r.last = before ? r.first : r.last;  // before the cut, or behind what it shows: ``cut.frag`` draws that
#endif
#endif
    return r;
}
