// Statistics of methods.md §1 of an array on the device: how often each pattern of two bytes occurs.
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

// tally[p] += how many of the n values have the pattern p.
extern "C" __global__ void count_patterns(const unsigned short* __restrict__ values, long long n,
                                          unsigned long long* __restrict__ tally) {
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
