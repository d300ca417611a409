// CUDA C++ on the host: enough of it that a kernel's text compiles with g++ and does what it does on a device.
//
// Blocks run one after another. The threads of a block are fibers of one thread, taken in turn, each running until it
// waits at a barrier; so atomics need no locks, and every run is the same. A kernel without a barrier runs as two plain
// loops (SHIM_SYNC is 0). __shared__ arrays are statics.
#pragma once
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __constant__ static const
#define __shared__ static
#define __align__(n) alignas(n)

using std::isfinite;
using std::isinf;
using std::isnan;
template <class T> T min(T a, T b) { return b < a ? b : a; }
template <class T> T max(T a, T b) { return a < b ? b : a; }
inline float min(float a, float b) { return std::fmin(a, b); }  // the number, where the other is NaN
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }

struct uint2 { unsigned x, y; };
struct uint4 { unsigned x, y, z, w; };
struct float2 { float x, y; };
struct float4 { float x, y, z, w; };
struct dim3 { unsigned x = 1, y = 1, z = 1; };
static dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace shim {

struct Barrier { unsigned arrived = 0, turn = 0; };
struct Fiber { ucontext_t context; char *stack; dim3 index; bool done = false; };

constexpr size_t STACK = 1 << 16;
constexpr unsigned MOST = 1024;  // threads of a block
static ucontext_t scheduler;
static Fiber fibers[MOST];
static unsigned current, alive;
static void (*body)(void **);
static void **arguments;
static Barrier block_barrier, warp_barriers[MOST / 32];
static unsigned warp_alive[MOST / 32];
static uint64_t slots[MOST];  // what lanes show each other

inline void run_body() {
  body(arguments);
  fibers[current].done = true;
  --alive;
  --warp_alive[current / 32];
  swapcontext(&fibers[current].context, &scheduler);
}

inline void give_way() { swapcontext(&fibers[current].context, &scheduler); threadIdx = fibers[current].index; }

// Threads that have returned no longer count, as on a device.
inline void wait_at(Barrier &barrier, const unsigned &expected) {
  const unsigned turn = barrier.turn;
  ++barrier.arrived;
  for (unsigned idle = 0; turn == barrier.turn; ++idle) {
    if (barrier.arrived >= expected) { barrier.arrived = 0; ++barrier.turn; return; }
    if (idle > 100000) { std::fputs("A barrier that not all threads reach.\n", stderr); std::abort(); }
    give_way();
  }
}

inline void run_fibers(unsigned count) {
  alive = count;
  block_barrier = Barrier();
  for (unsigned i = 0; i < MOST / 32; ++i) warp_barriers[i] = Barrier(), warp_alive[i] = 0;
  for (unsigned i = 0; i < count; ++i) {
    Fiber &fiber = fibers[i];
    if (!fiber.stack) fiber.stack = (char *)std::malloc(STACK);
    fiber.done = false;
    fiber.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
    ++warp_alive[i / 32];
    getcontext(&fiber.context);
    fiber.context.uc_stack = {fiber.stack, 0, STACK};
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run_body, 0);
  }
  while (alive)
    for (current = 0; current < count; ++current)
      if (!fibers[current].done) {
        threadIdx = fibers[current].index;
        swapcontext(&scheduler, &fibers[current].context);
      }
}

inline void run_loops(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    threadIdx = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
    body(arguments);
  }
}

inline void run(const unsigned *shape, void (*kernel)(void **), void **passed) {
  gridDim = {shape[0], shape[1], 1};
  blockDim = {shape[2], shape[3], 1};
  body = kernel;
  arguments = passed;
  for (blockIdx.y = 0; blockIdx.y < gridDim.y; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; ++blockIdx.x)
      (SHIM_SYNC ? run_fibers : run_loops)(blockDim.x * blockDim.y);
}

template <class T> T from_lane(T value, unsigned lane) {
  static_assert(sizeof(T) <= 8, "lanes show each other eight bytes");
  const unsigned warp = current / 32;
  const unsigned source = warp * 32 + lane;
  std::memcpy(&slots[current], &value, sizeof(T));
  wait_at(warp_barriers[warp], warp_alive[warp]);
  T shown = value;
  if (lane < 32 && source < MOST) std::memcpy(&shown, &slots[source], sizeof(T));
  wait_at(warp_barriers[warp], warp_alive[warp]);
  return shown;
}

template <class T, class F> T exchange(T *at, F next) {
  const T old = *at;
  *at = next(old);
  return old;
}

}  // namespace shim

inline void __syncthreads() { shim::wait_at(shim::block_barrier, shim::alive); }
inline void __syncwarp(unsigned = ~0u) {
  shim::wait_at(shim::warp_barriers[shim::current / 32], shim::warp_alive[shim::current / 32]);
}
inline void __threadfence() {}
template <class T> T __shfl_sync(unsigned, T v, int lane) { return shim::from_lane(v, lane & 31); }
template <class T> T __shfl_down_sync(unsigned, T v, unsigned by) { return shim::from_lane(v, shim::current % 32 + by); }
template <class T> T __shfl_xor_sync(unsigned, T v, int mask) { return shim::from_lane(v, (shim::current % 32) ^ mask); }

template <class T> struct same { using type = T; };
template <class T> using value_of = typename same<T>::type;
template <class T> T atomicAdd(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return T(a + v); }); }
template <class T> T atomicSub(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return T(a - v); }); }
template <class T> T atomicMin(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return min(a, v); }); }
template <class T> T atomicMax(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return max(a, v); }); }
template <class T> T atomicOr(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return T(a | v); }); }
template <class T> T atomicAnd(T *p, value_of<T> v) { return shim::exchange(p, [=](T a) { return T(a & v); }); }
template <class T> T atomicExch(T *p, value_of<T> v) { return shim::exchange(p, [=](T) { return v; }); }
template <class T> T atomicCAS(T *p, value_of<T> was, value_of<T> v) {
  return shim::exchange(p, [=](T a) { return a == was ? v : a; });
}

template <class To, class From> To shim_bits(From v) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  std::memcpy(&to, &v, sizeof to);
  return to;
}
inline int __float_as_int(float v) { return shim_bits<int>(v); }
inline unsigned __float_as_uint(float v) { return shim_bits<unsigned>(v); }
inline float __int_as_float(int v) { return shim_bits<float>(v); }
inline float __uint_as_float(unsigned v) { return shim_bits<float>(v); }
inline long long __double_as_longlong(double v) { return shim_bits<long long>(v); }
inline double __longlong_as_double(long long v) { return shim_bits<double>(v); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdividef(float a, float b) { return a / b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float rsqrtf(float v) { return 1.0f / std::sqrt(v); }
inline int __popc(unsigned v) { return __builtin_popcount(v); }
inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
inline int __clz(int v) { return v ? __builtin_clz(unsigned(v)) : 32; }
inline int __clzll(long long v) { return v ? __builtin_clzll((unsigned long long)v) : 64; }
inline int __ffs(int v) { return __builtin_ffs(v); }
template <class T> T __ldg(const T *p) { return *p; }
