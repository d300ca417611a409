// What a slab shows of the values through it. MODE: 0 the greatest, 2 the largest magnitude with its sign, 3 the mean. What
// includes this defines take(position), which hands the value there to add().
uniform vec3 u_step;         // from one value through the slab to the next
uniform float u_through;     // how many
uniform vec3 u_size;         // of the whole volume

float total = 0.0;
float count = 0.0;
float best = 0.0;

void take(vec3 position);

void add(float value) {
#if MODE == 0
    best = count > 0.0 ? max(best, value) : value;
#else
    best = abs(value) > abs(best) ? value : best;
#endif
    total += value;
    count += 1.0;
}

// Take what lies under a place of the plane.
void take_through(vec3 place_on_plane) {
    vec3 position = place_on_plane + 0.5 * u_step;
    for (float k = 0.0; k < u_through; k += 1.0) {
        if (all(greaterThanEqual(position, vec3(0.0))) && all(lessThan(position, u_size))) {
            take(position);
        }
        position += u_step;
    }
}

float reduced() {
#if MODE == 3
    return total / max(count, 1.0);
#else
    return best;
#endif
}
