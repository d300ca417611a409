// What a Gaussian gives a texel, to be blended. LARGEST: 1 where the largest magnitude counts, of each sign by itself.
varying vec2 v_middle;
varying vec4 v_form;

uniform float u_cutoff;

void main() {
    vec2 d = gl_FragCoord.xy - v_middle;
    float along = d.x + v_form.y * d.y;
    float m = v_form.x * along * along + v_form.z * d.y * d.y;
    if (m > u_cutoff * u_cutoff) {
        discard;
    }
    float given = v_form.w * exp(-0.5 * m);
#if LARGEST
    gl_FragColor = vec4(max(given, 0.0), max(-given, 0.0), 0.0, 0.0);
#else
    gl_FragColor = vec4(given, 0.0, 0.0, 0.0);
#endif
}
