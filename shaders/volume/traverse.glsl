// Along a ray: visit(position, length) for every voxel that it crosses or every sample, until it sets `done`.
// LINEAR: 0 takes every voxel, with the length of the ray in it; 1 takes samples at equal steps.
#if LINEAR
uniform float u_step;        // between samples, in voxels, at most
#include "comb.glsl"
#else
#include "walk.glsl"
#endif
