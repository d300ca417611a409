// How far along its ray a face lies; drawn with blending by MAX, see occupied.glsl.
uniform float u_beyond;
uniform vec2 u_pixel;        // device pixels per texel of the target
uniform vec3 u_towards;      // of the ray of a pixel, as long as to reach a depth of 1
uniform vec3 u_towards_x;
uniform vec3 u_towards_y;

varying float v_depth;

void main() {
    vec2 at = gl_FragCoord.xy * u_pixel;
    float t = v_depth * length(u_towards + at.x * u_towards_x + at.y * u_towards_y);
    gl_FragColor = vec4(u_beyond - t, t, 0.0, 0.0);
}
