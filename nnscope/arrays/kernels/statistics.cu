// Statistics of methods.md §1 of an array on the device: how often each pattern of two bytes occurs, and the two looks at
// wider values (twins of statistics.py).
//
// A block counts 65536 patterns in 128 KB of shared memory, two counters of 16 bits in a word. The thread that sees a
// counter reach 2^15 moves that many to the table in global memory; those of its block that count meanwhile are far
// fewer than the 2^15 that still fit. Patterns that differ in their highest bit, the sign, share a word, so that the
// neighbours which are most of a tensor lie in different banks.

const unsigned FULL = 0x8000u, WORDS = 0x8000u;

extern __shared__ unsigned packed[];

__device__ __forceinline__ void clear_packed() {
  for (unsigned i = threadIdx.x; i < WORDS; i += blockDim.x) packed[i] = 0;
  __syncthreads();
}

__device__ __forceinline__ void count_packed(unsigned bin, unsigned long long* tally) {
  const unsigned word = bin & (WORDS - 1), shift = bin >> 15 << 4;
  const unsigned before = atomicAdd(&packed[word], 1u << shift) >> shift & 0xffffu;
  if (before == FULL - 1) {
    atomicSub(&packed[word], FULL << shift);
    atomicAdd(&tally[bin], (unsigned long long)FULL);
  }
}

__device__ __forceinline__ void empty_packed(unsigned long long* tally) {
  __syncthreads();
  for (unsigned i = threadIdx.x; i < WORDS; i += blockDim.x) {
    const unsigned low = packed[i] & 0xffffu, high = packed[i] >> 16;
    if (low) atomicAdd(&tally[i], (unsigned long long)low);
    if (high) atomicAdd(&tally[WORDS + i], (unsigned long long)high);
  }
}

__device__ void count_plainly(const unsigned short* values, long long n, unsigned long long* tally) {
  const long long threads = gridDim.x * (long long)blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += threads)
    atomicAdd(&tally[values[i]], 1ull);
}

// tally[p] += how many of the n values have the pattern p.
extern "C" __global__ void count_patterns(const unsigned short* __restrict__ values, long long n, int packs,
                                          unsigned long long* __restrict__ tally) {
  if (!packs) {
    count_plainly(values, n, tally);
    return;
  }
  clear_packed();
  const long long thread = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  const long long threads = gridDim.x * (long long)blockDim.x;
  const long long head = min(n, (long long)(-((unsigned long long)values >> 1) & 7));  // up to a whole 16 bytes
  const long long eights = (n - head) / 8;
  const uint4* aligned = (const uint4*)(values + head);
  for (long long i = thread; i < eights; i += threads) {
    const uint4 eight = aligned[i];
    const unsigned words[4] = {eight.x, eight.y, eight.z, eight.w};
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      count_packed(words[k] & 0xffffu, tally);
      count_packed(words[k] >> 16, tally);
    }
  }
  for (long long i = thread; i < head; i += threads) count_packed(values[i], tally);
  for (long long i = head + 8 * eights + thread; i < n; i += threads) count_packed(values[i], tally);
  empty_packed(tally);
}

// ---- float32 and float64 -------------------------------------------------------------------------------------------
// Two looks, as nnscope/compute/statistics/outline.py tells. `packs` says whether the block has 128 KB for the tally; without
// them it is counted in global memory at once.

const float F32_MOST = 3.402823466e+38f;
const int BLOCK_MOST = 1024;

__device__ __forceinline__ float within_float(double d) { return (float)fmin(fmax(d, -(double)F32_MOST), (double)F32_MOST); }
__device__ __forceinline__ float distance(float x, float pivot) { return fminf(fmaxf(x - pivot, -F32_MOST), F32_MOST); }
__device__ __forceinline__ float distance(double x, double pivot) { return within_float(x - pivot); }

template <class T> __device__ T joined(T mine, T* held, T (*join)(T, T)) {
  held[threadIdx.x] = mine;
  __syncthreads();
  for (unsigned half = BLOCK_MOST / 2; half; half >>= 1) {
    if (threadIdx.x < half && threadIdx.x + half < blockDim.x)
      held[threadIdx.x] = join(held[threadIdx.x], held[threadIdx.x + half]);
    __syncthreads();
  }
  const T all = held[0];
  __syncthreads();
  return all;
}
template <class T> __device__ T sum_of(T a, T b) { return a + b; }
__device__ __forceinline__ double least_of(double a, double b) { return fmin(a, b); }
__device__ __forceinline__ double most_of(double a, double b) { return fmax(a, b); }

// counts[block, 6]: finite, NaN, +inf, -inf, zero, positive. sums[block, 5]: least, greatest, sums of d, d*d and
// |x*scale|, with d = x*scale - shift.
template <class T>
__device__ void first_look(const T* values, long long n, T pivot, double scale, double shift, int packs,
                           unsigned long long* counts, double* sums, unsigned long long* tally) {
  __shared__ double numbers[BLOCK_MOST];
  __shared__ unsigned long long whole[BLOCK_MOST];
  if (packs) clear_packed();
  unsigned long long found[6] = {0, 0, 0, 0, 0, 0};
  const double infinite = __longlong_as_double(0x7ff0000000000000ll);
  double low = infinite, high = -infinite, total = 0, squares = 0, sizes = 0;
  const long long threads = gridDim.x * (long long)blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += threads) {
    const T x = values[i];
    if (!isfinite(x)) {
      ++found[x != x ? 1 : x > 0 ? 2 : 3];
      continue;
    }
    const double scaled = (double)x * scale, d = scaled - shift;
    ++found[0];
    found[4] += x == 0;
    found[5] += x > 0;
    low = fmin(low, (double)x);
    high = fmax(high, (double)x);
    total += d;
    squares += d * d;
    sizes += fabs(scaled);
    const unsigned bin = __float_as_uint(distance(x, pivot)) >> 16;
    if (packs) count_packed(bin, tally);
    else atomicAdd(&tally[bin], 1ull);
  }
  if (packs) empty_packed(tally);
  __syncthreads();
  for (int k = 0; k < 6; ++k) {
    const unsigned long long all = joined(found[k], whole, sum_of<unsigned long long>);
    if (threadIdx.x == 0) counts[6 * blockIdx.x + k] = all;
  }
  const double parts[5] = {joined(low, numbers, least_of), joined(high, numbers, most_of),
                           joined(total, numbers, sum_of<double>), joined(squares, numbers, sum_of<double>),
                           joined(sizes, numbers, sum_of<double>)};
  if (threadIdx.x == 0)
    for (int k = 0; k < 5; ++k) sums[5 * blockIdx.x + k] = parts[k];
}

// Of the finite values in wanted bins: bins[256] and near[0] are added to; those marked 2 are put behind each other in
// `kept`, whose length so far is held[0].
template <class T>
__device__ void second_look(const T* values, long long n, T pivot, const unsigned char* wanted, double low,
                            double width, double factor, double limit, unsigned long long* bins,
                            unsigned long long* near, T* kept, unsigned long long* held) {
  __shared__ unsigned counts[257];
  for (unsigned i = threadIdx.x; i < 257; i += blockDim.x) counts[i] = 0;
  __syncthreads();
  const long long threads = gridDim.x * (long long)blockDim.x;
  for (long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < n; i += threads) {
    const T x = values[i];
    const unsigned char why = wanted[__float_as_uint(distance(x, pivot)) >> 16];
    if (why == 0 || !isfinite(x)) continue;
    const double place = __dsub_rn(__dmul_rn((double)x, factor), low) / width;
    atomicAdd(&counts[width > 0 ? min((int)place, 255) : 0], 1u);
    if (fabs((double)x) <= limit) atomicAdd(&counts[256], 1u);
    if (why > 1) kept[atomicAdd(held, 1ull)] = x;
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 256; i += blockDim.x)
    if (counts[i]) atomicAdd(&bins[i], (unsigned long long)counts[i]);
  if (threadIdx.x == 0 && counts[256]) atomicAdd(near, (unsigned long long)counts[256]);
}

#define LOOKS(suffix, T)                                                                                              \
  extern "C" __global__ void first_look_##suffix(const T* __restrict__ values, long long n, T pivot, double scale,    \
                                                 double shift, int packs, unsigned long long* __restrict__ counts,    \
                                                 double* __restrict__ sums, unsigned long long* __restrict__ tally) { \
    first_look<T>(values, n, pivot, scale, shift, packs, counts, sums, tally);                                        \
  }                                                                                                                   \
  extern "C" __global__ void second_look_##suffix(                                                                    \
      const T* __restrict__ values, long long n, T pivot, const unsigned char* __restrict__ wanted, double low,       \
      double width, double factor, double limit, unsigned long long* __restrict__ bins,                               \
      unsigned long long* __restrict__ near, T* __restrict__ kept, unsigned long long* __restrict__ held) {           \
    second_look<T>(values, n, pivot, wanted, low, width, factor, limit, bins, near, kept, held);                      \
  }
LOOKS(f32, float)
LOOKS(f64, double)
