// Sums of Gaussians and the moments behind their gradients (methods.md §13): the twin of gaussians.py.
//
// A Gaussian is ten doubles: mean x, y, z; a, p, q; s, t, u; w, with the exponent
//   m = a (dx + p dy + q dz)^2 + s dy^2 + 2 t dy dz + u dz^2.
// A lattice is nine doubles: origin, step and count of x, y and z. A block of threads works on samples that lie side by
// side: it gathers the Gaussians whose cut-off meets their box, a chunk at a time, and each thread adds those to its own
// sample, in their order: every run gives the same. Moments are a block for each Gaussian, which walks the samples in
// the box around its cut-off and adds up by halves.

const int CHUNK = 128;  // Gaussians that a block looks at in one turn; also its threads

struct Gaussian { double mean[3], a, p, q, s, t, u, w; };

__device__ __forceinline__ Gaussian gaussian_at(const double* __restrict__ numbers, long long k) {
  const double* g = numbers + 10 * k;
  return {{g[0], g[1], g[2]}, g[3], g[4], g[5], g[6], g[7], g[8], g[9]};
}

// The exponent's m at an offset from the mean, in single precision: offsets are small where it matters.
__device__ __forceinline__ float exponent_of(const Gaussian& g, float dx, float dy, float dz) {
  const float v = dx + (float)g.p * dy + (float)g.q * dz;
  return (float)g.a * v * v + (float)g.s * dy * dy + 2.0f * (float)g.t * dy * dz + (float)g.u * dz * dz;
}

__device__ __forceinline__ bool meets(const double* __restrict__ numbers, const double* __restrict__ reach, long long k,
                                      double r, const double* low, const double* high) {
  for (int axis = 0; axis < 3; ++axis) {
    const double mean = numbers[10 * k + axis], half = r * reach[3 * k + axis];
    if (!(mean + half >= low[axis] && mean - half <= high[axis])) return false;
  }
  return true;
}

// The sum at `at` of the Gaussians that meet the box; all threads of the block go through it together.
__device__ __forceinline__ float sum_in_box(const double* __restrict__ numbers, const double* __restrict__ reach,
                                            long long count, double r2, const double* low, const double* high,
                                            const double* at, bool counts) {
  __shared__ unsigned char chosen[CHUNK];
  const double r = sqrt(r2);
  float sum = 0.0f;
  for (long long start = 0; start < count; start += CHUNK) {
    const long long mine = start + threadIdx.x;
    chosen[threadIdx.x] = mine < count && meets(numbers, reach, mine, r, low, high);
    __syncthreads();
    for (int i = 0; counts && i < CHUNK; ++i) {
      if (!chosen[i]) continue;
      const Gaussian g = gaussian_at(numbers, start + i);
      const float m = exponent_of(g, (float)(at[0] - g.mean[0]), (float)(at[1] - g.mean[1]), (float)(at[2] - g.mean[2]));
      if (m <= (float)r2) sum += (float)g.w * expf(-0.5f * m);
    }
    __syncthreads();
  }
  return sum;
}

// Adds to out [z, y, x]; a block is 128 samples of a row, or rows one behind the other where these are shorter.
extern "C" __global__ void add_lattice(const double* __restrict__ numbers, const double* __restrict__ reach,
                                       long long count, double r2, const double* __restrict__ axes,
                                       float* __restrict__ out) {
  const long long nx = (long long)axes[2], ny = (long long)axes[5], nz = (long long)axes[8];
  const long long total = nx * ny * nz, first = blockIdx.x * (long long)CHUNK, i = first + threadIdx.x;
  const long long last = min(first + CHUNK, total) - 1;
  const long long from[3] = {first % nx, first / nx % ny, first / (nx * ny)};
  const long long to[3] = {last % nx, last / nx % ny, last / (nx * ny)};
  const long long here[3] = {i % nx, i / nx % ny, i / (nx * ny)};
  const long long whole[3] = {nx - 1, ny - 1, nz - 1};
  double low[3], high[3], at[3];
  bool same = true;  // along the axes above: only then is the span of this axis that of its ends
  for (int axis = 2; axis >= 0; --axis) {
    const double origin = axes[3 * axis], step = axes[3 * axis + 1];
    low[axis] = origin + step * (double)(same ? from[axis] : 0);
    high[axis] = origin + step * (double)(same ? to[axis] : whole[axis]);
    at[axis] = origin + step * (double)here[axis];
    same = same && from[axis] == to[axis];
  }
  const float sum = sum_in_box(numbers, reach, count, r2, low, high, at, i < total);
  if (i < total) out[i] += sum;
}

// Adds at points (n, 3), 128 in a block, whose box is in boxes (blocks, 6): low x, y, z, high x, y, z.
extern "C" __global__ void add_points(const double* __restrict__ numbers, const double* __restrict__ reach,
                                      long long count, double r2, const double* __restrict__ boxes,
                                      const double* __restrict__ points, long long n, float* __restrict__ out) {
  const long long i = blockIdx.x * (long long)CHUNK + threadIdx.x;
  const double* box = boxes + 6 * (long long)blockIdx.x;
  const double low[3] = {box[0], box[1], box[2]}, high[3] = {box[3], box[4], box[5]};
  double at[3] = {0.0, 0.0, 0.0};
  for (int axis = 0; i < n && axis < 3; ++axis) at[axis] = points[3 * i + axis];
  const float sum = sum_in_box(numbers, reach, count, r2, low, high, at, i < n);
  if (i < n) out[i] += sum;
}

__device__ __forceinline__ void span_of(const double* axis, double middle, double half, long long* from, long long* to) {
  const double low = (middle - half - axis[0]) / axis[1], high = (middle + half - axis[0]) / axis[1];
  const bool meeting = low <= axis[2] && high >= 0.0;
  *from = meeting ? (long long)ceil(low > 0.0 ? low : 0.0) : 0;
  *to = meeting ? (long long)floor(high < axis[2] - 1.0 ? high : axis[2] - 1.0) + 1 : 0;
}

// The moments (count, 10) under field [z, y, x]: 1, x, y, z, xx, xy, xz, yy, yz, zz of the offset, times g·e.
extern "C" __global__ void lattice_moments(const double* __restrict__ numbers, const double* __restrict__ reach,
                                           double r2, const double* __restrict__ axes, const float* __restrict__ field,
                                           double* __restrict__ out) {
  __shared__ double held[CHUNK];
  const long long k = blockIdx.x, nx = (long long)axes[2], ny = (long long)axes[5];
  const Gaussian g = gaussian_at(numbers, k);
  const double r = sqrt(r2);
  long long from[3], to[3];
  for (int axis = 0; axis < 3; ++axis)
    span_of(axes + 3 * axis, g.mean[axis], r * reach[3 * k + axis], from + axis, to + axis);
  const long long wide = max(0LL, to[0] - from[0]), high = max(0LL, to[1] - from[1]), deep = max(0LL, to[2] - from[2]);
  double sums[10] = {0.0};
  for (long long j = threadIdx.x; j < wide * high * deep; j += CHUNK) {
    const long long x = from[0] + j % wide, y = from[1] + j / wide % high, z = from[2] + j / (wide * high);
    const float dx = (float)(axes[0] + (double)x * axes[1] - g.mean[0]);
    const float dy = (float)(axes[3] + (double)y * axes[4] - g.mean[1]);
    const float dz = (float)(axes[6] + (double)z * axes[7] - g.mean[2]);
    const float m = exponent_of(g, dx, dy, dz);
    if (!(m <= (float)r2)) continue;
    const double e = (double)(field[(z * ny + y) * nx + x] * expf(-0.5f * m));
    const double offsets[10] = {1.0, dx, dy, dz, dx * dx, dx * dy, dx * dz, dy * dy, dy * dz, dz * dz};
    for (int i = 0; i < 10; ++i) sums[i] += e * offsets[i];
  }
  for (int i = 0; i < 10; ++i) {
    held[threadIdx.x] = sums[i];
    __syncthreads();
    for (int half = CHUNK / 2; half; half >>= 1) {
      if ((int)threadIdx.x < half) held[threadIdx.x] += held[threadIdx.x + half];
      __syncthreads();
    }
    if (threadIdx.x == 0) out[10 * k + i] = held[0];
    __syncthreads();
  }
}
