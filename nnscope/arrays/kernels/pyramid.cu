// Levels of a mip pyramid from the values of a grid in one pass (twin of pyramid.py, for any values).
//
// A block of 16 by 16 threads takes a tile of 64 by 64 values: each thread joins four by four of them (levels 1 and 2),
// and levels 3 to 6 follow in shared memory. Cells carry the number of finite elements, so edges need no care; a cell's
// mean and squared deviations are joined by Chan's formula. What is odd ranks as in nnscope/compute/pyramid/levels.py: nothing,
// -inf, +inf, NaN.
#include "decode.cuh"

struct Cell {
  double mean, m2;
  float low, high;
  unsigned count, odd;
};

struct Out {
  double* mean;
  float *std, *low, *high;
  unsigned* count;
  unsigned char* odd;
};

const float F32_MOST = 3.402823466e+38f;

__device__ __forceinline__ float to_single(double x) { return (float)fmin(fmax(x, -(double)F32_MOST), (double)F32_MOST); }

__device__ Cell nothing() {
  Cell cell;
  cell.mean = cell.m2 = 0;
  cell.low = __int_as_float(0x7f800000);
  cell.high = -cell.low;
  cell.count = cell.odd = 0;
  return cell;
}

__device__ Cell joined(const Cell& a, const Cell& b) {
  Cell both;
  both.count = a.count + b.count;
  const double share = both.count ? (double)b.count / both.count : 0, step = b.mean - a.mean;
  both.mean = a.mean + step * share;
  both.m2 = a.m2 + b.m2 + step * step * share * a.count;
  both.low = fminf(a.low, b.low);
  both.high = fmaxf(a.high, b.high);
  both.odd = max(a.odd, b.odd);
  return both;
}

__device__ Cell joined(const Cell& a, const Cell& b, const Cell& c, const Cell& d) {
  if (a.count != b.count || a.count != c.count || a.count != d.count) return joined(joined(a, b), joined(c, d));
  Cell all;  // no division where all weigh the same
  all.mean = 0.25 * ((a.mean + b.mean) + (c.mean + d.mean));
  const double p = a.mean - all.mean, q = b.mean - all.mean, r = c.mean - all.mean, s = d.mean - all.mean;
  all.m2 = ((a.m2 + b.m2) + (c.m2 + d.m2)) + a.count * ((p * p + q * q) + (r * r + s * s));
  all.low = fminf(fminf(a.low, b.low), fminf(c.low, d.low));
  all.high = fmaxf(fmaxf(a.high, b.high), fmaxf(c.high, d.high));
  all.count = 4 * a.count;
  all.odd = max(max(a.odd, b.odd), max(c.odd, d.odd));
  return all;
}

__device__ Cell single(double x) {
  Cell cell = nothing();
  if (isfinite(x)) {
    cell.mean = x;
    cell.low = cell.high = to_single(x);
    cell.count = 1;
  } else {
    cell.odd = x != x ? 3 : x > 0 ? 2 : 1;
  }
  return cell;
}

// plan[level - base, 4]: where the level begins in the flat arrays, its rows and columns, and the band's first row in it.
__device__ void put(const Cell& cell, long long row, long long col, const long long* plan, const Out& out) {
  const long long at_row = row + plan[3];
  if (at_row >= plan[1] || col >= plan[2]) return;
  const long long at = plan[0] + at_row * plan[2] + col;
  const double deviation = cell.count ? sqrt(cell.m2 / cell.count) : 0;
  out.mean[at] = fmin(fmax(cell.mean, -(double)F32_MOST), (double)F32_MOST);
  out.std[at] = deviation <= (double)F32_MOST ? (float)deviation : F32_MOST;
  out.low[at] = cell.low;
  out.high[at] = cell.high;
  out.count[at] = cell.count;
  out.odd[at] = (unsigned char)cell.odd;
}

template <class T, class Load>
__device__ void reduce_band(const T* values, long long rows, long long cols, int base, int top, const long long* plan,
                            const Out& out, Load load) {
  __shared__ Cell cells[256];
  const int x = threadIdx.x % 16, y = threadIdx.x / 16;
  const long long row = 64ll * blockIdx.y + 4 * y, col = 64ll * blockIdx.x + 4 * x;
  Cell fine[4];
  for (int k = 0; k < 4; ++k) {
    const long long r = row + k / 2 * 2, c = col + k % 2 * 2;
    Cell each[4];
    for (int i = 0; i < 4; ++i) {
      const long long at_row = r + i / 2, at_col = c + i % 2;
      each[i] = at_row < rows && at_col < cols ? single(load(values[at_row * cols + at_col])) : nothing();
    }
    fine[k] = joined(each[0], each[1], each[2], each[3]);
    if (base <= 1) put(fine[k], r / 2, c / 2, plan, out);
  }
  cells[threadIdx.x] = joined(fine[0], fine[1], fine[2], fine[3]);
  if (base <= 2 && top >= 2) put(cells[threadIdx.x], row / 4, col / 4, plan + 4 * (2 - base), out);
  for (int level = 3, side = 8; level <= top; ++level, side /= 2) {
    __syncthreads();
    const int i = threadIdx.x % side, j = threadIdx.x / side;
    Cell cell;
    if (j < side) {
      const Cell* corner = cells + 2 * j * 2 * side + 2 * i;
      cell = joined(corner[0], corner[1], corner[2 * side], corner[2 * side + 1]);
      if (level >= base)
        put(cell, (long long)side * blockIdx.y + j, (long long)side * blockIdx.x + i, plan + 4 * (level - base), out);
    }
    __syncthreads();
    if (j < side) cells[j * side + i] = cell;
  }
}

__device__ __forceinline__ double plain_single(float x) { return x; }
__device__ __forceinline__ double plain_double(double x) { return x; }
__device__ __forceinline__ double from_half(unsigned short x) { return half_value(x); }
__device__ __forceinline__ double from_bfloat(unsigned short x) { return bfloat_value(x); }

#define REDUCE_BAND(suffix, T, load)                                                                                   \
  extern "C" __global__ void reduce_band_##suffix(                                                                     \
      const T* __restrict__ values, long long rows, long long cols, int base, int top,                                 \
      const long long* __restrict__ plan, double* __restrict__ mean, float* __restrict__ std, float* __restrict__ low, \
      float* __restrict__ high, unsigned* __restrict__ count, unsigned char* __restrict__ odd) {                       \
    const Out out = {mean, std, low, high, count, odd};                                                                \
    reduce_band(values, rows, cols, base, top, plan, out, load);                                                       \
  }
REDUCE_BAND(f32, float, plain_single)
REDUCE_BAND(f64, double, plain_double)
REDUCE_BAND(f16, unsigned short, from_half)
REDUCE_BAND(bf16, unsigned short, from_bfloat)

// ---- volumes: bricks of two by two by two -----------------------------------------------------------------------------
// A thread for each brick of the coarser level.

struct Extent {
  long long depth, rows, cols;
};

template <class Load> __device__ void join_brick(Extent fine, const Out& out, Load load) {
  const long long cols = (fine.cols + 1) / 2, rows = (fine.rows + 1) / 2, depth = (fine.depth + 1) / 2;
  const long long brick = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (brick >= cols * rows * depth) return;
  const long long col = brick % cols, line = brick / cols, row = line % rows, plane = line / rows;
  Cell half[2];
  for (int k = 0; k < 2; ++k) {
    Cell each[4];
    for (int i = 0; i < 4; ++i) {
      const long long z = 2 * plane + k, y = 2 * row + i / 2, x = 2 * col + i % 2;
      each[i] = z < fine.depth && y < fine.rows && x < fine.cols ? load((z * fine.rows + y) * fine.cols + x) : nothing();
    }
    half[k] = joined(each[0], each[1], each[2], each[3]);
  }
  const long long plan[4] = {0, rows * depth, cols, 0};
  put(joined(half[0], half[1]), line, col, plan, out);
}

#define JOIN_VALUES(suffix, T, decoded)                                                                                 \
  extern "C" __global__ void join_values_##suffix(                                                                      \
      const T* __restrict__ values, long long depth, long long rows, long long cols, double* __restrict__ mean,         \
      float* __restrict__ std, float* __restrict__ low, float* __restrict__ high, unsigned* __restrict__ count,         \
      unsigned char* __restrict__ odd) {                                                                                \
    const Out out = {mean, std, low, high, count, odd};                                                                 \
    const Extent fine = {depth, rows, cols};                                                                            \
    join_brick(fine, out, [=](long long at) { return single(decoded(values[at])); });                                   \
  }
JOIN_VALUES(f32, float, plain_single)
JOIN_VALUES(f64, double, plain_double)
JOIN_VALUES(f16, unsigned short, from_half)
JOIN_VALUES(bf16, unsigned short, from_bfloat)

extern "C" __global__ void join_bricks(const double* __restrict__ means, const float* __restrict__ stds,
                                       const float* __restrict__ lows, const float* __restrict__ highs,
                                       const unsigned* __restrict__ counts, const unsigned char* __restrict__ odds,
                                       long long depth, long long rows, long long cols, double* __restrict__ mean,
                                       float* __restrict__ std, float* __restrict__ low, float* __restrict__ high,
                                       unsigned* __restrict__ count, unsigned char* __restrict__ odd) {
  const Out out = {mean, std, low, high, count, odd};
  const Extent fine = {depth, rows, cols};
  join_brick(fine, out, [=](long long at) {
    Cell cell;
    cell.mean = means[at];
    cell.m2 = (double)stds[at] * stds[at] * counts[at];
    cell.low = lows[at];
    cell.high = highs[at];
    cell.count = counts[at];
    cell.odd = odds[at];
    return cell;
  });
}
