// The first place along each ray whose magnitude reaches a threshold, lit from the eye. LINEAR, STATES: as in
// extreme.frag.
#include "ray.glsl"
#include "voxels.glsl"
#include "found.glsl"
#include "special.glsl"

uniform float u_threshold;
uniform vec3 u_voxels;       // along each axis

const int HALVINGS = 6;

vec3 place_found = vec3(0.0);
float value_found = 0.0;
vec3 face_found = vec3(0.0);

void visit(vec3 position, float length) {
#if STATES
    if (special_at(position)) {
        return;
    }
#endif
    float value = value_at(position);
    if (abs(value) >= u_threshold) {
        done = true;
        value_found = value;
        place_found = position;
#if !LINEAR
        face_found = crossed;
#endif
    }
}

#if BRICKS
bool worth(float score) {
    return score > 0.0;
}

void passed(float length) {
}
#endif
#if TIGHT
void outside(float length) {
}
#endif
#include "traverse.glsl"

#if LINEAR
// Back towards the sample before, to where the threshold is reached.
void refine(Ray r) {
    float low = -pace;
    float high = 0.0;
    for (int i = 0; i < HALVINGS; i++) {
        float middle = 0.5 * (low + high);
        bool beyond = abs(value_at(place_found + middle * r.towards)) >= u_threshold;
        high = beyond ? middle : high;
        low = beyond ? low : middle;
    }
    place_found += high * r.towards;
}

float slope(vec3 along) {
    vec3 edge = u_voxels - 0.5;
    float ahead = value_at(clamp(place_found + along, vec3(0.5), edge));
    return abs(ahead) - abs(value_at(clamp(place_found - along, vec3(0.5), edge)));
}
#endif

// How much the surface is turned towards the eye.
float light(Ray r) {
#if LINEAR
    vec3 normal = vec3(slope(vec3(1.0, 0.0, 0.0)), slope(vec3(0.0, 1.0, 0.0)), slope(vec3(0.0, 0.0, 1.0)));
#else
    vec3 normal = face_found;
#endif
    float size = length(normal);
    return size > 0.0 ? abs(dot(normal * (LINEAR == 1 ? vec3(1.0) : sign(r.towards)), r.towards)) / size : 1.0;
}

void main() {
    Ray r = ray();
    send(r);
#if LINEAR
    if (done) {
        refine(r);
    }
#endif
    gl_FragColor = vec4(value_found, done ? 0.0 : NOTHING, done ? 0.35 + 0.65 * light(r) : 1.0, 0.0);
}
