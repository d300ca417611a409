// Bricks, each with the highest score that anything in it can have. A first glance along the ray finds a lower bound.
const float BRICK_SIDE = 8.0;
const float GLANCE = 16.0;   // voxels between its samples

uniform sampler3D u_scores;
uniform vec3 u_bricks;       // along each axis

float brick_score(vec3 brick) {
    return texture3D(u_scores, (brick + 0.5) / u_bricks).r;
}
