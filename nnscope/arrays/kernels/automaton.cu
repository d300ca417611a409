// A step of the cellular automaton of methods.md §12, a thread for each cell: the twin of automaton.py.
//
// Boundary: 0 wrap, 1 reflect, 2 fixed. Function: 0 identity, 1 ReLU, 2 tanh. Cells that are not finite stay as they are
// and are no neighbours.

const float LIMIT = 1e30f;

__device__ __forceinline__ long long place(long long i, long long size, long long boundary) {
  if (i >= 0 && i < size) return i;
  if (boundary == 0) return (i + size) % size;
  return boundary == 1 ? min(max(i, 0LL), size - 1) : -1;
}

__device__ __forceinline__ float limited(float v) { return min(max(v, -LIMIT), LIMIT); }

__device__ __forceinline__ float bounded(float weight, float v) { return isfinite(v) ? limited(weight * v) : 0.0f; }

extern "C" __global__ void moore_step(const float* __restrict__ x, const float* __restrict__ gradient,
                                const float* __restrict__ scale, long long nz, long long ny, long long nx, float alpha,
                                float beta, float gamma, float outside, long long boundary, long long function,
                                long long dimensions, float* __restrict__ out) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  if (i >= nz * ny * nx) return;
  const float mine = x[i];
  if (!isfinite(mine)) {
    out[i] = mine;
    return;
  }
  const long long z = i / (ny * nx), y = i / nx % ny, w = i % nx;
  const int reach = dimensions == 3 ? 1 : 0;
  float sum = 0.0f;
  int count = 0;
  for (int dz = -reach; dz <= reach; ++dz)
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        if (dz == 0 && dy == 0 && dx == 0) continue;
        const long long k = place(z + dz, nz, boundary), j = place(y + dy, ny, boundary), h = place(w + dx, nx, boundary);
        const float v = k < 0 || j < 0 || h < 0 ? outside : x[(k * ny + j) * nx + h];
        if (!isfinite(v)) continue;
        sum += limited(v);
        ++count;
      }
  const float mean = count ? sum / (float)count : mine;
  float value = limited(mine) + alpha * (mean - limited(mine));
  if (gamma != 0.0f) value += bounded(gamma, gradient[i]);
  if (beta != 0.0f) value *= 1.0f + bounded(beta, scale[i]);
  if (function == 2) value = tanhf(value);
  out[i] = function == 1 ? min(max(value, 0.0f), LIMIT) : limited(value);
}
