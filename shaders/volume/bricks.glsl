// Bricks of BRICKS voxels a side, each with the highest score of anything in it.
const float SIDE = float(BRICKS);

uniform sampler3D u_scores;
uniform vec3 u_bricks;       // 1 over how many, along each axis

float brick_score(vec3 brick) {
    return texture3D(u_scores, (brick + 0.5) * u_bricks).r;
}
