// What Gaussians give a pixel, drawn before into an image. BOX: 1 shows it on the rays that meet the box of the tensor,
// beyond which a field tells of nothing; 0 where there is any. SIGNS: 1 where the image has the largest magnitudes of
// positive weights, and beside them those of negative ones.
#include "found.glsl"
#include "ray.glsl"

uniform sampler2D u_image;
uniform vec2 u_size;         // texels of the image, which are those of the target
uniform float u_offset;

void main() {
#if SIGNS
    vec2 largest = texture2D(u_image, gl_FragCoord.xy / u_size).rg;
    float given = largest.r >= largest.g ? largest.r : -largest.g;
#else
    float given = texture2D(u_image, gl_FragCoord.xy / u_size).r;
#endif
#if BOX
    Ray r = ray();
    bool seen = r.first < r.last;
#else
    bool seen = given != 0.0;
#endif
    gl_FragColor = seen ? vec4(given + u_offset, 0.0, 1.0, 0.0) : vec4(0.0, NOTHING, 1.0, 0.0);
}
