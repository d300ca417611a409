"""Every CUDA text compiles for the GPUs that are about, and for the host, where its arithmetic can be tested."""

from __future__ import annotations

import importlib.util
import warnings

import numpy as np
import pytest

from nnscope.arrays import cuda
from tests.arrays.shim import host

needs_compiler = pytest.mark.skipif(host.compiler() is None, reason="there is no C++ compiler (g++)")


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="CuPy is not installed")
@pytest.mark.parametrize("architecture", [70, 80, 90])
@pytest.mark.parametrize("name", cuda.names())
def test_compiles_for_a_device(name: str, architecture: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CuPy looks for a CUDA toolkit
        from cupy.cuda import nvrtc
    if architecture < 75 and nvrtc.getVersion() >= (13, 0):
        pytest.skip(f"CUDA {nvrtc.getVersion()[0]} no longer makes code for sm_{architecture}")
    program = nvrtc.createProgram(cuda.source(name), f"{name}.cu", (), ())
    try:
        nvrtc.compileProgram(program, ("-std=c++17", f"-arch=sm_{architecture}"))
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program))
    finally:
        nvrtc.destroyProgram(program)


@needs_compiler
@pytest.mark.parametrize("name", cuda.names())
def test_compiles_for_the_host(name: str) -> None:
    assert host.compile_kernels(name).parameters


def test_a_text_holds_what_it_includes() -> None:
    assert all('#include "' not in cuda.source(name) for name in cuda.names())


@pytest.mark.parametrize(
    ("size", "blocks", "threads"),
    [((1,), (1, 1), (256, 1)), ((257,), (2, 1), (256, 1)), ((33, 9), (2, 2), (32, 8)), ((0,), (1, 1), (256, 1))],
    ids=str,
)
def test_a_grid_covers_its_elements(size: tuple[int, ...], blocks: tuple[int, int], threads: tuple[int, int]) -> None:
    grid = cuda.Grid.over(*size)
    assert (grid.blocks, grid.threads) == (blocks, threads)


SAMPLE = """
extern "C" __global__ void reversed(const float* __restrict__ x, float* y, int n) {
  __shared__ float held[64];
  const int i = threadIdx.x;
  if (i < n) held[i] = x[i];
  __syncthreads();
  if (i < n) y[i] = held[n - 1 - i];
}
extern "C" __global__ void summed(const int* x, long long n, long long* total) {
  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
  int mine = i < n ? x[i] : 0;
  for (int by = 16; by; by >>= 1) mine += __shfl_down_sync(0xffffffffu, mine, by);
  if (threadIdx.x % 32 == 0) atomicAdd((unsigned long long*)total, (unsigned long long)mine);
}
extern "C" __global__ void beside(float* y, long long at) { y[at] = 1.0f; }
extern "C" __global__ void constant(const float* y) { ((float*)y)[0] = 7.0f; }
"""


@pytest.fixture(scope="module")
def sample() -> host.HostKernels:
    if host.compiler() is None:
        pytest.skip("there is no C++ compiler (g++)")
    return host.compile_text(SAMPLE)


def test_threads_of_a_block_wait_for_each_other(sample: host.HostKernels) -> None:
    x, y = np.arange(50, dtype=np.float32), np.zeros(50, np.float32)
    sample.call("reversed", cuda.Grid((1, 1), (64, 1)), x, y, np.int32(50))
    np.testing.assert_array_equal(y, x[::-1])


def test_lanes_of_a_warp_show_each_other_values(sample: host.HostKernels) -> None:
    x, total = np.arange(1000, dtype=np.int32), np.zeros(1, np.int64)
    sample.call("summed", cuda.Grid.over(1000), x, 1000, total)
    assert total[0] == x.sum()


@pytest.mark.parametrize(
    "arguments",
    [
        (np.zeros(4), 4, np.zeros(1, np.int64)),
        (np.zeros(8, np.int32)[::2], 4, np.zeros(1, np.int64)),
        (np.zeros(4, np.int32), np.int32(4), np.zeros(1, np.int64)),
        (np.zeros(4, np.int32), 4),
    ],
    ids=["another dtype", "strided", "a narrow number", "one too few"],
)
def test_wrong_arguments_are_refused(sample: host.HostKernels, arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        sample.call("summed", cuda.Grid.over(4), *arguments)


@pytest.mark.parametrize("at", [-1, 3])
def test_writing_beside_an_array_is_seen(sample: host.HostKernels, at: int) -> None:
    with pytest.raises(AssertionError, match="beside the array"):
        sample.call("beside", cuda.Grid((1, 1), (1, 1)), np.zeros(3, np.float32), at)


def test_writing_into_a_constant_array_is_seen(sample: host.HostKernels) -> None:
    with pytest.raises(AssertionError, match="though constant"):
        sample.call("constant", cuda.Grid((1, 1), (1, 1)), np.zeros(3, np.float32))


@needs_compiler
@pytest.mark.parametrize("packs", [0, 1], ids=["in global memory", "in shared memory"])
@pytest.mark.parametrize("start", [0, 1, 3])
def test_patterns_are_counted(start: int, packs: int) -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.integers(0, 1 << 16, 3000), np.full(70_000, 9)]).astype(np.uint16)[start:]
    tally = np.zeros(1 << 16, np.uint64)
    grid = cuda.Grid((1, 1), (64, 1), 1 << 17)
    host.launch("statistics", "count_patterns", grid, (values, values.size, np.int32(packs), tally))
    np.testing.assert_array_equal(tally, np.bincount(values, minlength=1 << 16))
