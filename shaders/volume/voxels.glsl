// The volume's texture. FOLD: 1 when a side is longer than the driver allows; pieces of it then lie one after the other
// along another side, each with one voxel more on either end of both.
uniform sampler3D u_values;
uniform vec3 u_texel;        // size of a texel in texture coordinates
#if FOLD
uniform vec3 u_folded;       // 1 for the side that is cut
uniform vec3 u_stacked;      // 1 for the side along which its pieces lie
uniform vec3 u_pieces;       // voxels of a piece, texels from one piece to the next, last piece
#endif

// Texture coordinates of a position in voxels.
vec3 place(vec3 position) {
#if FOLD
    float piece = clamp(floor(dot(position, u_folded) / u_pieces.x), 0.0, u_pieces.z);
    position += u_folded * (1.0 - piece * u_pieces.x) + u_stacked * (1.0 + piece * u_pieces.y);
#endif
    return position * u_texel;
}

float value_at(vec3 position) {
    return texture3D(u_values, place(position)).r;
}
