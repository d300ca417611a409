// A corner of a face of a cube, with the cube.
attribute vec3 a_corner;
attribute vec4 a_low;        // least corner, and the side before the volume's end cuts it off
attribute vec3 a_high;
attribute float a_number;    // of the cube

uniform mat4 u_projection;

varying vec4 v_low;
varying vec3 v_high;
varying float v_number;

void main() {
    v_low = a_low;
    v_high = a_high;
    v_number = a_number;
    gl_Position = u_projection * vec4(a_corner, 1.0);
}
