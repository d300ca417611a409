// Faces of bricks, in voxels; those on the sides of the volume lie a little outside of it.
attribute vec3 a_place;

uniform mat4 u_projection;
uniform vec4 u_depth;        // of a place, along the line of sight

varying float v_depth;

void main() {
    v_depth = dot(u_depth, vec4(a_place, 1.0));
    gl_Position = u_projection * vec4(a_place, 1.0);
}
