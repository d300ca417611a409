// Raw values to places in the palette. The plain twin of this text is nnscope/render/colour.py.
// CURVE: 0 identity, 1 sign(t) * log(1 + |t|), 2 tanh.
#include "palette.glsl"

uniform vec4 u_scale;        // power of two, shift (large part, small part), factor
uniform vec2 u_range;        // lowest t, colours per unit of t
uniform vec2 u_limits;       // smallest and largest value that is inside

#if CURVE == 1
float curve(float t) {
    return sign(t) * log(1.0 + abs(t));
}
#elif CURVE == 2
float curve(float t) {
    return 1.0 - 2.0 / (exp(2.0 * clamp(t, -12.0, 12.0)) + 1.0);
}
#endif

float colour_index(float value) {
    float t = (value * u_scale.x - u_scale.y - u_scale.z) * u_scale.w;
#if CURVE != 0
    t = (curve(t) - u_range.x) * u_range.y;
#endif
    float index = clamp(floor(t), 0.0, 255.0);
    index = value < u_limits.x ? UNDER : index;
    return value > u_limits.y ? OVER : index;
}
