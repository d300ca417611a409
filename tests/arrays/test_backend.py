"""The seam between NumPy and CuPy, with a stand-in for CuPy where there is none."""

from __future__ import annotations

import subprocess
import sys
import types

import numpy as np
import pytest

from nnscope.arrays.backend import available_gpu, namespace, to_host


class DeviceArray:
    """What stands for an array on a GPU."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module named cupy with an array type and a way home."""
    module = types.ModuleType("cupy")
    module.ndarray = DeviceArray
    module.asnumpy = lambda array: array.values.copy()
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def test_numpy_arrays_stay_what_they_are() -> None:
    x = np.arange(3)
    assert namespace(x) is np
    assert to_host(x) is x


def test_device_arrays_come_home(cupy: types.ModuleType) -> None:
    x = DeviceArray(np.arange(3))
    assert namespace(x) is cupy
    assert namespace(np.arange(3)) is np
    np.testing.assert_array_equal(to_host(x), [0, 1, 2])


def test_asking_never_imports_cupy() -> None:
    code = (
        "import sys, numpy as np; from nnscope.arrays.backend import namespace; namespace(np.zeros(1));"
        "sys.exit('cupy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_looking_for_a_gpu_never_raises(cupy: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert not available_gpu()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    found = available_gpu()  # the stand-in has no runtime
    assert not found
    assert "can't use a GPU" in found.reason


@pytest.mark.parametrize(("count", "name"), [(0, ""), (1, "Test GPU")], ids=["none", "one"])
def test_a_gpu_is_told_by_name(cupy: types.ModuleType, monkeypatch: pytest.MonkeyPatch, count: int, name: str) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    cupy.cuda = types.SimpleNamespace(
        runtime=types.SimpleNamespace(
            getDeviceCount=lambda: count, getDeviceProperties=lambda device: {"name": b"Test GPU"}
        )
    )
    found = available_gpu()
    assert (found.name, bool(found)) == (name, bool(count))
