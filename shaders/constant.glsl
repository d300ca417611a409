// CONSTANT marks what is the same in all corners of a quad. Where the driver can, it is not interpolated: that is exact,
// and software drivers pay for each number that is interpolated.
#extension GL_EXT_gpu_shader4 : enable
#ifdef GL_EXT_gpu_shader4
#define CONSTANT flat
#else
#define CONSTANT
#endif
