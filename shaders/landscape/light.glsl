// Soft light on a surface: from the sky above, which hollows see less of, and from a lamp beside the eye. Directions are
// (column, up, row).
uniform vec3 u_lamp;         // towards the lamp, of length 1
uniform float u_steepness;   // height of the box over the side of a cell
uniform sampler2D u_means;   // mean heights of blocks of 2, 4, 8 and more cells: nnscope/compute/space/relief.py, means()
uniform vec2 u_means_size;   // columns and rows of that texture
uniform vec2 u_means_along;  // from its beginning to the end of all blocks

const int SCALES = 5;

// The mean height about a place, over blocks of `side` cells, interpolated between their middles.
float mean_about(vec2 cell, float side) {
    vec2 most = max(ceil(u_cells / side), vec2(1.0)) - 0.5;
    vec2 at = clamp(cell / side, vec2(0.5), most);
    return texture2D(u_means, (at + u_means_along * (1.0 - 2.0 / side)) / u_means_size).r;
}

// Less than 1 in hollows, more on ridges.
float openness(vec2 cell, float height) {
    float hidden = 0.0;
    float side = 2.0;
    for (int i = 0; i < SCALES; i++) {
        if (side <= max(u_means_along.x, u_means_along.y)) {
            float below = (mean_about(cell, side) - height) * u_steepness / side;
            hidden += clamp(below, -0.5, 1.0);
        }
        side *= 2.0;
    }
    return 1.0 / (1.0 + max(0.9 * hidden, -0.25));
}

float lit(vec3 normal, float open) {
    float lamp = max(0.25 + 0.75 * dot(normal, u_lamp), 0.0);
    float sky = (0.5 + 0.5 * normal.y) * open;
    return clamp(0.12 + 0.38 * sky + 0.62 * lamp * mix(1.0, open, 0.5), 0.0, 1.0);
}

float light_of(vec2 slope, vec2 cell, float height) {
    vec3 normal = normalize(vec3(-slope.x * u_steepness, 1.0, -slope.y * u_steepness));
    return lit(normal, openness(cell, height));
}

float light_of_wall(vec3 entered, vec3 towards, float height) {
    return lit(normalize(-entered * sign(towards)), 0.6) * (0.45 + 0.4 * height);
}
