"""CUDA texts compiled for the host by g++, and called on NumPy arrays: their arithmetic, tested without a GPU.

`compile_kernels` takes the very text that a device gets (``nnscope.arrays.cuda.source``), puts `cuda_host.h` before it
and a C entry for each kernel behind it. What CuPy does not check is checked here: every argument against the type of
its parameter, and that no kernel writes beside its arrays (each lies between guards).
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscope.arrays import cuda

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = Path(__file__).with_name("cuda_host.h")

_FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-fno-strict-aliasing", "-fPIC", "-shared", "-w")
_KERNEL = re.compile(
    r'extern "C" __global__ (?:__launch_bounds__\([^)]*\) )?void '
    r"(?:__launch_bounds__\([^)]*\) )?(\w+)\s*\(([^)]*)\)\s*\{"
)
_TYPES = {
    "bool": np.bool_, "char": np.int8, "signed char": np.int8, "unsigned char": np.uint8, "short": np.int16,
    "unsigned short": np.uint16, "int": np.int32, "unsigned": np.uint32, "unsigned int": np.uint32,
    "long long": np.int64, "unsigned long long": np.uint64, "float": np.float32, "double": np.float64,
}  # fmt: skip
_DYNAMIC = re.compile(r"extern __shared__ (.+?) (\w+)\[\];")
_SHARED_MOST = 227 << 10  # bytes, on the largest devices
_THREADS_MOST = 1024  # in a block
_GUARD = 256  # bytes beside each array
_GUARD_BYTE = 0xA5


@dataclass(frozen=True)
class Parameter:
    """One parameter of a kernel."""

    type: np.dtype
    pointer: bool
    constant: bool

    @classmethod
    def parsed(cls, text: str) -> Parameter:
        """Of C text such as ``const float* __restrict__ x``."""
        words = re.sub(r"\b(const|__restrict__)\b|\*", " ", text).split()[:-1]
        return cls(np.dtype(_TYPES[" ".join(words)]), "*" in text, "const" in text)


@dataclass(frozen=True)
class HostKernels:
    """The kernels of one file, on the host."""

    library: ctypes.CDLL
    parameters: dict[str, tuple[Parameter, ...]]

    def call(self, kernel: str, grid: cuda.Grid, *arguments: Any) -> None:
        """Run ``kernel``, as `nnscope.arrays.cuda.launch` does on a device; arrays are changed in place.

        Raises
        ------
        TypeError
            If an argument is not what the parameter takes, or its layout is not plain.
        AssertionError
            If the kernel wrote beside an array, or into one that it takes as constant.
        """
        parameters = self.parameters[kernel]
        if len(arguments) != len(parameters):
            raise TypeError(f"{kernel} takes {len(parameters)} arguments, not {len(arguments)}")
        held = [_Argument(*pair) for pair in zip(parameters, arguments, strict=True)]
        if grid.threads[0] * grid.threads[1] > _THREADS_MOST:
            raise TypeError(f"a block holds {_THREADS_MOST} threads, not {grid.threads}")
        shape = (ctypes.c_uint * 4)(*grid.blocks, *grid.threads)
        getattr(self.library, f"shim_{kernel}")(shape, (ctypes.c_void_p * len(held))(*(a.address for a in held)))
        for number, argument in enumerate(held):
            argument.give_back(f"{kernel}, argument {number}")


class _Argument:
    """An argument in C's memory: a number, or the address of an array's copy between guards."""

    def __init__(self, parameter: Parameter, given: Any) -> None:
        self.parameter, self.given = parameter, given
        if not parameter.pointer:
            self.cell = np.array([_number(parameter, given)], parameter.type)
        else:
            if not (isinstance(given, np.ndarray) and given.flags.c_contiguous and given.dtype == parameter.type):
                raise TypeError(f"wanted a contiguous array of {parameter.type}, not {_told(given)}")
            self.bytes = np.full(given.nbytes + 2 * _GUARD, _GUARD_BYTE, np.uint8)
            self.bytes[_GUARD : _GUARD + given.nbytes] = given.reshape(-1).view(np.uint8)
            self.cell = np.array([self.bytes.ctypes.data + _GUARD], np.uint64)
        self.address = self.cell.ctypes.data

    def give_back(self, where: str) -> None:
        if not self.parameter.pointer:
            return
        inside = self.bytes[_GUARD : _GUARD + self.given.nbytes]
        outside = np.concatenate([self.bytes[:_GUARD], self.bytes[_GUARD + self.given.nbytes :]])
        assert (outside == _GUARD_BYTE).all(), f"{where}: written beside the array"
        flat = self.given.reshape(-1).view(np.uint8)
        if self.parameter.constant:
            assert np.array_equal(flat, inside), f"{where}: written, though constant"
        else:
            flat[:] = inside


def _number(parameter: Parameter, given: Any) -> Any:
    """A number as CuPy passes it: Python's int and float are ``long long`` and ``double``."""
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    passed = np.dtype(kinds.get(type(given), type(given)))
    if passed != parameter.type:
        raise TypeError(f"wanted a number of {parameter.type}, not {_told(given)}")
    return given


def _told(given: Any) -> str:
    return f"{type(given).__name__} of {getattr(given, 'dtype', type(given))}"


def compiler() -> str | None:
    """The C++ compiler, or None."""
    return shutil.which("g++") or shutil.which("c++")


@lru_cache(maxsize=64)
def compile_kernels(name: str) -> HostKernels:
    """The kernels of ``name``.cu for the host; built once for each text."""
    return compile_text(cuda.source(name))


def compile_text(source: str) -> HostKernels:
    """The kernels of any CUDA text for the host."""
    source = _DYNAMIC.sub(rf"alignas(16) static \1 \2[{_SHARED_MOST} / sizeof(\1)];", source)
    expanded = _run([str(compiler()), "-E", "-P", "-x", "c++", "-"], source)
    found = {name: _parameters(text) for name, text in _KERNEL.findall(re.sub(r"\s+", " ", expanded))}
    synchronised = int(bool(re.search(r"__sync\w+|__shfl\w+", source)))
    entries = "\n".join(_entry(name, text) for name, text in _KERNEL.findall(re.sub(r"\s+", " ", expanded)))
    text = f'#define SHIM_SYNC {synchronised}\n{HEADER.read_text()}\n#line 1 "kernel.cu"\n{source}\n{entries}\n'
    return HostKernels(ctypes.CDLL(str(_library(text))), found)


def launch(name: str, kernel: str, grid: cuda.Grid, arguments: Sequence[Any]) -> None:
    """Stands in for `nnscope.arrays.cuda.launch`, on NumPy arrays."""
    compile_kernels(name).call(kernel, grid, *arguments)


def _parameters(text: str) -> tuple[Parameter, ...]:
    return tuple(map(Parameter.parsed, text.split(","))) if text.strip() else ()


def _entry(name: str, text: str) -> str:
    types = [re.sub(r"\w+\s*$", "", part) for part in text.split(",")] if text.strip() else []
    passed = ", ".join(f"*({kind}*)given[{i}]" for i, kind in enumerate(types))
    body = f"[](void** given) {{ {name}({passed}); }}"
    return f'extern "C" void shim_{name}(const unsigned* shape, void** given) {{ shim::run(shape, {body}, given); }}'


def _library(text: str) -> Path:
    """Build ``text``, or find it built."""
    folder = Path(tempfile.gettempdir()) / f"nnscope-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    key = hashlib.sha256("\n".join((*_FLAGS, text)).encode()).hexdigest()[:24]
    library = folder / f"{key}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as made:
            built = Path(made) / library.name
            _run([str(compiler()), *_FLAGS, "-x", "c++", "-", "-o", str(built)], text)
            built.replace(library)
    return library


def _run(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the compiler refused the text:\n{done.stderr[:4000]}")
    return done.stdout
