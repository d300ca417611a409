// Each level of a dense octree from the one below, a thread for each cell: the twin of octree.py.
//
// A level is [field, z, y, x] with the fields mean, variance, minimum, maximum, mean |x|; odd counts a cell's voxels that
// are not finite, which enter nothing else. Children weigh by their finite voxels.

const float FLOAT32_MOST = 3.402823466e38f;
#define NOTHING_LOW __int_as_float(0x7f800000)  // +inf: the minimum of nothing

struct Joined { float n, mean, variance, low, high, magnitude; unsigned odd; };

__device__ __forceinline__ long long covered(long long cell, long long side, long long size) {
  return max(0LL, min(side, size - cell * side));
}

__device__ __forceinline__ void store(const Joined& cell, long long i, long long cells, float* out, unsigned* odd) {
  const bool some = cell.n > 0.0f;
  out[i] = some ? min(max(cell.mean, cell.low), cell.high) : 0.0f;
  out[cells + i] = cell.low == cell.high ? 0.0f : cell.variance < FLOAT32_MOST ? cell.variance : FLOAT32_MOST;
  out[2 * cells + i] = cell.low;
  out[3 * cells + i] = cell.high;
  out[4 * cells + i] = cell.magnitude;
  odd[i] = cell.odd;
}

// Level 1 of the volume x of nz × ny × nx voxels.
extern "C" __global__ void reduce_voxels(const float* __restrict__ x, long long nz, long long ny, long long nx,
                                         float* __restrict__ out, unsigned* __restrict__ odd) {
  const long long mz = (nz + 1) / 2, my = (ny + 1) / 2, mx = (nx + 1) / 2;
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= mz * my * mx) return;
  const long long z = 2 * (i / (my * mx)), y = 2 * (i / mx % my), w = 2 * (i % mx);
  float value[8];
  int held = 0;
  Joined cell = {0.0f, 0.0f, 0.0f, NOTHING_LOW, -NOTHING_LOW, 0.0f, 0u};
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const long long k = z + (c >> 2), j = y + (c >> 1 & 1), h = w + (c & 1);
    value[c] = 0.0f;
    if (k >= nz || j >= ny || h >= nx) continue;
    const float v = x[(k * ny + j) * nx + h];
    if (!isfinite(v)) { ++cell.odd; continue; }
    held |= 1 << c;
    value[c] = v;
    cell.n += 1.0f;
    cell.low = min(cell.low, v);
    cell.high = max(cell.high, v);
  }
  const float share = cell.n > 0.0f ? 1.0f / cell.n : 0.0f;
#pragma unroll
  for (int c = 0; c < 8; ++c) cell.mean += share * value[c], cell.magnitude += share * fabsf(value[c]);
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const float apart = held >> c & 1 ? value[c] - cell.mean : 0.0f;
    cell.variance += share * apart * apart;
  }
  store(cell, i, mz * my * mx, out, odd);
}

// The level above one whose cells have this side, over a volume of nz × ny × nx voxels.
extern "C" __global__ void reduce_grid(const float* __restrict__ level, const unsigned* __restrict__ odd, long long nz,
                                       long long ny, long long nx, long long side, float* __restrict__ out,
                                       unsigned* __restrict__ out_odd) {
  const long long bz = (nz + side - 1) / side, by = (ny + side - 1) / side, bx = (nx + side - 1) / side;
  const long long mz = (bz + 1) / 2, my = (by + 1) / 2, mx = (bx + 1) / 2, below = bz * by * bx;
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= mz * my * mx) return;
  const long long z = 2 * (i / (my * mx)), y = 2 * (i / mx % my), w = 2 * (i % mx);
  float share[8], mean[8], variance[8], magnitude[8];
  Joined cell = {0.0f, 0.0f, 0.0f, NOTHING_LOW, -NOTHING_LOW, 0.0f, 0u};
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const long long k = z + (c >> 2), j = y + (c >> 1 & 1), h = w + (c & 1);
    share[c] = mean[c] = variance[c] = magnitude[c] = 0.0f;
    if (k >= bz || j >= by || h >= bx) continue;
    const long long at = (k * by + j) * bx + h;
    share[c] = (float)(covered(k, side, nz) * covered(j, side, ny) * covered(h, side, nx) - (long long)odd[at]);
    cell.odd += odd[at];
    if (share[c] == 0.0f) continue;
    mean[c] = level[at];
    variance[c] = level[below + at];
    cell.n += share[c];
    cell.low = min(cell.low, level[2 * below + at]);
    cell.high = max(cell.high, level[3 * below + at]);
    magnitude[c] = level[4 * below + at];
  }
  const float total = cell.n > 0.0f ? 1.0f / cell.n : 0.0f;
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    share[c] *= total;
    cell.mean += share[c] * mean[c];
    cell.magnitude += share[c] * magnitude[c];
  }
#pragma unroll
  for (int c = 0; c < 8; ++c) {
    const float apart = mean[c] - cell.mean;
    if (share[c] > 0.0f) cell.variance += share[c] * (variance[c] + apart * apart);
  }
  store(cell, i, mz * my * mx, out, out_odd);
}
