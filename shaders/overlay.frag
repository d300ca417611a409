// Kind 0: plain; 1: glyph, coverage from the atlas; 2: rounded rectangle, coverage from the distance to its edge; 3: line
// in any direction, coverage from the distance to its middle.
#include "constant.glsl"

uniform sampler2D u_glyphs;

varying vec2 v_local;
CONSTANT varying vec4 v_colour;
CONSTANT varying vec4 v_shape;

float rounded() {
    vec2 local = floor(v_local * 2.0 + 0.5) * 0.5;  // centres of pixels are half pixels apart from the middle
    vec2 corner = abs(local) - v_shape.yz + v_shape.w;
    float outside = length(max(corner, 0.0)) + min(max(corner.x, corner.y), 0.0) - v_shape.w;
    return clamp(0.5 - outside, 0.0, 1.0);
}

void main() {
    float coverage = 1.0;
    if (v_shape.x > 2.5) {
        coverage = clamp(v_shape.y + 0.5 - abs(v_local.y), 0.0, 1.0);
    } else if (v_shape.x > 1.5) {
        coverage = rounded();
    } else if (v_shape.x > 0.5) {
        coverage = texture2D(u_glyphs, v_local).r;
    }
    gl_FragColor = vec4(v_colour.rgb, v_colour.a * coverage);
}
