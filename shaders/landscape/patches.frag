// A surface that is bilinear between the middles of the cells, lit. STATES: as in found.glsl.
#include "ray.glsl"
#include "seek.glsl"
#include "found.glsl"
#include "light.glsl"

uniform sampler2D u_heights;  // of cells
uniform sampler2D u_surface;  // the same, interpolated by the driver, which takes software several times as long

// Texture coordinates of the middle of a cell, or of the nearest one inside.
vec2 middle(vec2 cell) {
    return (clamp(cell, vec2(0.0), u_cells - 1.0) + 0.5) / u_cells;
}

float height_of(vec2 cell) {
    return texture2D(u_heights, middle(cell)).r;
}

// Where a ray meets the patch between four middles, as t; beyond `leave` where it does not. Over the ray from t on, the
// surface less the ray is a + b s + c s s: nnscope/compute/space/relief.py.
float met(Ray r, float leave) {
    float h00 = height_of(block - 1.0);
    float across = height_of(block + vec2(0.0, -1.0)) - h00;
    float along = height_of(block + vec2(-1.0, 0.0)) - h00;
    float twist = height_of(block) - h00 - across - along;
    vec2 at = r.origin.xz + SHIFT - block + t * r.towards.xz;
    vec3 d = r.towards;
    float a = h00 + at.x * across + at.y * along + at.x * at.y * twist - (r.origin.y + t * d.y);
    float b = d.x * across + d.z * along + (at.x * d.z + at.y * d.x) * twist - d.y;
    float c = d.x * d.z * twist;
    float inside = b * b - 4.0 * a * c;
    float ahead = b + sqrt(max(inside, 0.0));
    bool meets = inside >= 0.0 && ahead > 0.0;
    float s = meets ? -2.0 * a / ahead : leave - t + 1.0;
    return a >= 0.0 ? t : t + s;
}

vec2 slope(vec2 place) {
    vec2 texel = 1.0 / u_cells;
    float across = texture2D(u_surface, place + vec2(texel.x, 0.0)).r - texture2D(u_surface, place - vec2(texel.x, 0.0)).r;
    float along = texture2D(u_surface, place + vec2(0.0, texel.y)).r - texture2D(u_surface, place - vec2(0.0, texel.y)).r;
    return 0.5 * vec2(across, along);
}

#if STATES
// The cell at a place, or the nearest hole that its patch touches.
vec2 part_of(vec2 cell, vec2 place) {
    vec2 best = cell;
    float least = 1e9;
    for (int i = 0; i < 4; i++) {
        vec2 corner = clamp(block - vec2(i == 1 || i == 3 ? 1.0 : 0.0, i > 1 ? 1.0 : 0.0), vec2(0.0), u_cells - 1.0);
        vec2 apart = abs(corner + 0.5 - place);
        bool nearer = hole_at(corner) && apart.x + apart.y < least;
        least = nearer ? apart.x + apart.y : least;
        best = nearer ? corner : best;
    }
    return best;
}
#endif

void main() {
    Ray r = ray();
    start(r);
    bool done = false;
    float at = 0.0;
    while (t < r.last && !done) {
        seek(r);
        vec3 next = leaves(r);
        at = met(r, next.x);
        done = t < r.last && at <= next.x;
        block += done ? vec2(0.0) : sign(r.towards.xz) * next.yz;
        t = done ? t : outside(block) ? r.last : next.x;
    }
    if (!done) {
        gl_FragColor = vec4(0.0, NOTHING, 1.0, 0.0);
        return;
    }
    vec3 place = r.origin + at * r.towards;
    vec2 cell = clamp(floor(place.xz), vec2(0.0), u_cells - 1.0);
    bool wall = at <= r.first && r.entered.y < 0.5;
    vec2 on = place.xz / u_cells;
    float light = wall ? light_of_wall(r.entered, r.towards, place.y) : light_of(slope(on), place.xz, place.y);
#if STATES
    cell = part_of(cell, place.xz);
    gl_FragColor = found(cell, texture2D(u_values, (cell + 0.5) / u_cells).r, light);
#else
    gl_FragColor = found(cell, texture2D(u_values, on).r, light);
#endif
}
