// A corner of what a plane cuts out of the volume.
attribute vec3 a_place;

uniform mat4 u_projection;

void main() {
    gl_Position = u_projection * vec4(a_place, 1.0);
}
