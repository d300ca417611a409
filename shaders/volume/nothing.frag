// Nothing is seen.
#include "found.glsl"

void main() {
    gl_FragColor = vec4(0.0, NOTHING, 1.0, 0.0);
}
