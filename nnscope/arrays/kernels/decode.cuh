// Stored patterns of two bytes as float, exactly. One instruction on a device; on the host by bits.
#pragma once

__device__ __forceinline__ float half_value(unsigned short bits) {
#ifdef __CUDA_ARCH__
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
#else
  const unsigned sign = (bits & 0x8000u) << 16, rest = (bits & 0x7fffu) << 13;
  if (rest >= 0x0f800000u) return __uint_as_float(sign | 0x70000000u | rest);  // NaN and infinity
  return __uint_as_float(sign | __float_as_uint(__uint_as_float(rest) * 0x1p112f));
#endif
}

__device__ __forceinline__ float bfloat_value(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }
