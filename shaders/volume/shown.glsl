// What the cubes of a list show.
uniform sampler2D u_shown;   // value and state of each cube, exact, which what is interpolated is not
uniform vec2 u_shape;        // cubes in a row of it, rows

// Where the number of that place lies in a table.
vec2 texel(float place, vec2 shape) {
    float row = floor((place + 0.5) / shape.x);
    return (vec2(place - row * shape.x, row) + 0.5) / shape;
}

vec2 shown(float number) {
    vec2 pair = texture2D(u_shown, texel(number, u_shape)).rg;
    return vec2(pair.x, floor(pair.y + 0.5));
}
