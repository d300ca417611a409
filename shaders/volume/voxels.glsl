// The volume's texture. FOLD: 1 when sides are longer than the driver allows; these are cut, and the pieces lie one after
// the other along the shortest side, each with one voxel more on either end of every side.
uniform sampler3D u_values;
uniform vec3 u_texel;        // size of a texel in texture coordinates
#if FOLD
uniform vec3 u_lengths;      // voxels of a piece
uniform vec3 u_last;         // number of the last piece along each axis
uniform vec3 u_steps;        // texels in the texture from a piece to the next one along each axis
uniform vec3 u_stacked;      // 1 for the side along which the pieces lie
#endif

// Texture coordinates of a position in voxels.
vec3 place(vec3 position) {
#if FOLD
    vec3 piece = clamp(floor(position / u_lengths), vec3(0.0), u_last);
    position += 1.0 - piece * u_lengths + u_stacked * dot(piece, u_steps);
#endif
    return position * u_texel;
}

float value_at(vec3 position) {
    return texture3D(u_values, place(position)).r;
}
