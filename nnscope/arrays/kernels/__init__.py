"""Hot loops in twins: ``NAME.py`` for the CPU (Numba) and ``NAME.cu`` for the GPU (run by CuPy).

Importing a module of this room costs the import of Numba (0.45 s), so callers import it where they first need it.

To add a kernel to the CPU's side: a function under `nnscope.arrays.compiled.compiled` (or `compiled_fast`, where sums
may be reordered) that takes contiguous arrays and numbers, loops by index over rows that lie next to each other, and is
given a block of its own by each thread that calls it.

To the GPU's: ``extern "C" __global__ void NAME(…)`` in a ``.cu`` file here, which may paste in a ``.cuh`` of this
folder by ``#include "FILE.cuh"`` and includes nothing else; parameters are pointers and numbers of C's own types. Run
it by `nnscope.arrays.cuda.launch`. Every file is compiled by the tests for three generations of devices and for the
host, and ``tests.arrays.shim.host.launch`` runs the host's build on NumPy arrays: give the function that launches a
parameter ``launch``, and one test compares all of it with the NumPy definition.
"""
