// A rectangle of pixels that shows a texture.
#include "surface.glsl"

attribute vec2 a_corner;   // pixels
attribute vec2 a_place;    // texture coordinates

varying vec2 v_place;

void main() {
    v_place = a_place;
    gl_Position = on_surface(a_corner);
}
