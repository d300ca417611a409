// A corner of the parallelogram around a projected Gaussian up to the cut-off.
attribute vec2 a_corner;     // of the square from -1 to 1
attribute float a_number;    // of the Gaussian

uniform sampler2D u_splats;  // two texels each: (u, v) in texels of the target, rows from the top; and a, p, s, w, for
uniform vec2 u_table;        // w*exp(-m/2) with m = a*(du + p*dv)^2 + s*dv^2. Gaussians in a row of it, and rows
uniform vec2 u_size;         // texels of the target
uniform float u_cutoff;

varying vec2 v_middle;
varying vec4 v_form;

const float EDGE = 1e-3;     // texels that the parallelogram is wider: the fragment says where a Gaussian ends

void main() {
    float row = floor((a_number + 0.5) / u_table.x);
    vec2 at = vec2(a_number - row * u_table.x, row + 0.5) / u_table;
    v_middle = texture2D(u_splats, at + vec2(0.25 / u_table.x, 0.0)).xy;
    v_form = texture2D(u_splats, at + vec2(0.75 / u_table.x, 0.0));
    // Rows far outside are left out: a Gaussian may be much larger than the target.
    float tall = u_cutoff * inversesqrt(v_form.z) + EDGE;
    float dv = clamp(v_middle.y + a_corner.y * tall, -1.0, u_size.y + 1.0) - v_middle.y;
    float wide = min(u_cutoff * inversesqrt(v_form.x) + EDGE, 4.0 * u_size.x + abs(v_middle.x));
    float du = a_corner.x * wide - v_form.y * dv;
    gl_Position = vec4(2.0 * (v_middle + vec2(du, dv)) / u_size - 1.0, 0.0, 1.0);
}
