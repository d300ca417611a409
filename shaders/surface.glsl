// From pixels, y down, to the framebuffer. In one of our own, row 0 is the top row; in a window it is the lowest.
uniform vec2 u_size;       // in pixels
uniform float u_upside;    // 1: row 0 is the top row; -1: it is the lowest

vec4 on_surface(vec2 pixel) {
    return vec4((pixel / u_size * 2.0 - 1.0) * vec2(1.0, u_upside), 0.0, 1.0);
}
