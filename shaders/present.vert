// The finished picture onto the window, top row up.
attribute vec2 a_corner;   // 0 to 1, from the top left

varying vec2 v_place;

void main() {
    v_place = a_corner;
    gl_Position = vec4(a_corner.x * 2.0 - 1.0, 1.0 - a_corner.y * 2.0, 0.0, 1.0);
}
