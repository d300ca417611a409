// What is seen of an opaque cube. SHADED: 0 plain colours; 1 lit by the face that is seen, with a line along its edges
// where cubes are large enough. CUT as in ray.glsl.
#if SHADED
const vec4 LIGHT = vec4(0.72, 1.0, 0.86, 0.6);  // faces across x, upper, across z, lower
const float LINE = 0.55;                        // how much darker an edge is
const vec2 LINED = vec2(5.0, 12.0);             // pixels along a side from which edges begin to show, and are all there

// How much the line along an edge leaves of the light; across is 1 for the axes that the face lies across.
float beside_edges(Ray r, float t, vec3 inside, vec3 across, float side) {
    vec2 at = gl_FragCoord.xy * u_pixel;
    float stretch = 1.0 / length(u_towards + at.x * u_towards_x + at.y * u_towards_y);
    float pixel = length(u_origin_x) + t * stretch * length(u_towards_x);  // cells along it
    vec3 apart = min(inside, side - inside) + across * side;
    float edge = min(apart.x, min(apart.y, apart.z)) / pixel;
    float lined = smoothstep(LINED.x, LINED.y, side / pixel) * (1.0 - smoothstep(0.4, 1.2, edge));
    return 1.0 - LINE * lined;
}

// How much light falls on a place; entered is 1 for the axes across which the ray came in, side the cube's in cells.
float light_on(Ray r, float t, vec3 entered, vec3 low, float side) {
    float lit = entered.y > 0.5 ? (r.towards.y > 0.0 ? LIGHT.y : LIGHT.w) : entered.z > 0.5 ? LIGHT.z : LIGHT.x;
    return lit * beside_edges(r, t, r.origin + t * r.towards - low, entered, side);
}
#else
float light_on(Ray r, float t, vec3 entered, vec3 low, float side) {
    return 1.0;
}
#endif

#if CUT
// And where a plane cuts a cube open: all of it, but for edges. The cube is the one that the place inside it lies in.
float light_on_cut(Ray r, vec3 inside, float side) {
#if SHADED
    return beside_edges(r, r.first, inside, step(0.999, abs(u_plane.xyz)), side);
#else
    return 1.0;
#endif
}
#endif
