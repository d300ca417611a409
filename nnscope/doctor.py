"""What works on this machine, what does not, and what to install: ``nnscope doctor``.

`report` gathers one `Check` per thing that nnscope stands on. What can crash or hang (loading Qt's platform plugin,
making an OpenGL context, asking the CUDA driver) is asked in child processes that share one deadline, so the whole
report is there within 5 s and survives a crash of any of them. The parent imports no library that it reports on.

`startup_problem` is the small part that the window asks before it makes its application object (promise P19).

Standard library only, so that the report can say that something is not installed.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from nnscope import native

Status = Literal["ok", "warn", "fail"]

DEADLINE = 4.0  # seconds that all child processes have together

# Packages that nnscope imports, and the pip name where it differs from what people say.
REQUIRED = (
    "numpy", "ml_dtypes", "scipy", "safetensors", "h5py", "tifffile", "pyzmq", "msgpack", "psygnal",
    "platformdirs", "pillow", "vispy", "PyOpenGL", "typer", "rich",
)  # fmt: skip
OPTIONAL = {"transformers": "pip install 'nnscope[hf]'", "numba": "pip install numba"}

# Qt platform plugins that open windows with OpenGL in them.
_PLATFORMS = ("xcb", "wayland", "wayland-egl", "cocoa", "windows", "direct2d")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report.

    Attributes
    ----------
    name : str
        What was looked at.
    status : "ok", "warn" or "fail"
        ``"warn"``: a part of nnscope does not work or works slowly; ``"fail"``: nnscope does not work.
    detail : str
        The version or what was found.
    remedy : str
        One sentence that says what to do; empty when there is nothing.
    """

    name: str
    status: Status
    detail: str
    remedy: str = ""


def report() -> list[Check]:
    """Look at everything. Takes a second or two, 5 s at most."""
    probes = {name: _Probe(module, argument) for name, (module, argument) in _PROBES.items()}
    deadline = time.monotonic() + DEADLINE
    checks = [_python(), _system(), *_packages()]
    qt, gl, cuda = (probes[name].answer(deadline) for name in ("qt", "gl", "cuda"))
    return [*checks, _display(), _qt(qt), _opengl(gl), *_gpu(cuda), *_optional()]


def as_json(checks: list[Check]) -> dict[str, Any]:
    """The report as strict JSON values: ``{"ok", "checks": [{"name", "status", "detail", "remedy"}]}``."""
    return {"ok": all(check.status != "fail" for check in checks), "checks": [asdict(check) for check in checks]}


def startup_problem() -> str | None:
    """Why no window can open here, in one sentence that says what to do; None when nothing is in the way.

    Takes a millisecond or two; ask it before the application object exists, for Qt would end the process.
    """
    if importlib.util.find_spec("PyQt6") is None:
        return "PyQt6 is not installed: install it with `pip install PyQt6`."
    if sys.platform != "linux":
        return None
    return _platform_problem() or _display_problem() or _library_problem()


def _platform_problem() -> str | None:
    names = os.environ.get("QT_QPA_PLATFORM", "")
    usable = [name for name in names.split(";") if name.partition(":")[0] in _PLATFORMS]
    if not names or usable:
        return None
    return f"QT_QPA_PLATFORM is {names!r}, which has no OpenGL: unset it, or set it to xcb."


def _display_problem() -> str | None:
    display = os.environ.get("DISPLAY", "")
    if not display:
        if os.environ.get("WAYLAND_DISPLAY"):
            return None
        return "There is no display (DISPLAY is not set): set it, or use `nnscope render`, which needs none."
    if _display_answers(display):
        return None
    return f"The display {display} does not answer: set DISPLAY to one that runs, or use `nnscope render`."


def _display_answers(display: str) -> bool:
    """Whether somebody listens on the socket of a local display; one elsewhere is believed."""
    match = re.fullmatch(r"(?:unix)?:(\d+)(?:\.\d+)?", display)
    if match is None:
        return True
    path = f"/tmp/.X11-unix/X{match[1]}"
    return any(map(_listens, (path, "\0" + path)))


def _listens(address: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        return connection.connect_ex(address) == 0


def _library_problem() -> str | None:
    missing = native.unlisted_libraries(native.window_libraries())
    return native.missing_sentence(missing) if missing else None


class _Probe:
    """A question asked in a child process, which may crash or hang without harm; it prints one JSON object."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *filter(None, arguments)]
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)

    def answer(self, deadline: float) -> dict[str, Any]:
        """What it said, or ``{"error": why not}``."""
        try:
            out, err = self._child.communicate(timeout=max(deadline - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
            return {"error": f"no answer within {DEADLINE:.0f} s"}
        try:
            answer = json.loads(out)
        except ValueError:
            answer = None
        return answer if isinstance(answer, dict) else {"error": _last_line(err) or f"exit {self._child.returncode}"}


_PROBES = {"qt": ("nnscope.doctor", "qt"), "gl": ("nnscope.render.limits", ""), "cuda": ("nnscope.doctor", "cuda")}


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _python() -> Check:
    supported = (3, 11) <= sys.version_info < (3, 14)
    remedy = "" if supported else "Use Python 3.11, 3.12 or 3.13."
    return Check("python", "ok" if supported else "fail", f"{platform.python_version()} ({sys.executable})", remedy)


def _system() -> Check:
    return Check("system", "ok", f"{platform.platform()}, {os.cpu_count()} cores")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _packages() -> list[Check]:
    return [_package(name) for name in REQUIRED]


def _package(name: str) -> Check:
    version = _version(name)
    if version:
        return Check(name, "ok", version)
    return Check(name, "fail", "not installed", f"Install it with `pip install {name}`.")


def _optional() -> list[Check]:
    return [Check(name, "ok", _version(name) or f"not installed (optional: {how})") for name, how in OPTIONAL.items()]


def _display() -> Check:
    if sys.platform != "linux":
        return Check("display", "ok", "the desktop's")
    problem = _platform_problem() or _display_problem()
    if problem:
        return Check("display", "warn", "none", problem)
    return Check("display", "ok", os.environ.get("DISPLAY") or os.environ["WAYLAND_DISPLAY"])


def _qt(answer: dict[str, Any]) -> Check:
    missing = native.missing_libraries(native.window_libraries())
    if missing:
        return Check("qt", "fail", "the platform plugin does not load", native.missing_sentence(missing))
    if "error" in answer:
        return Check("qt", "fail", answer["error"], "Install it again with `pip install --force-reinstall PyQt6`.")
    return Check("qt", "ok", f"Qt {answer['qt']}, PyQt {answer['pyqt']}, platform {answer['platform']}")


def _opengl(answer: dict[str, Any]) -> Check:
    missing = native.missing_drivers() + native.missing_libraries(native.OFFSCREEN)
    if missing:
        return Check("opengl", "fail", "no driver", native.missing_sentence(missing))
    if "error" in answer:
        return Check("opengl", "fail", answer["error"], "Install or update the graphics driver.")
    return Check("opengl", "ok", _gl_detail(answer))


def _gl_detail(limits: dict[str, Any]) -> str:
    """What `nnscope.render.limits` printed, in a line."""
    by = " (software: the processor draws)" if limits["software"] else ""
    sizes = f"textures up to {limits['max_texture_size']}, 3D up to {limits['max_3d_texture_size']}"
    return f"{limits['renderer']}{by}, OpenGL {limits['version']}, {sizes}"


def _gpu(answer: dict[str, Any]) -> list[Check]:
    """PyTorch, the CUDA driver and CuPy, which must fit each other."""
    devices = answer.get("devices", [])
    driver = "; ".join(devices) + f" (CUDA {answer['driver']})" if devices else answer.get("error", "none found")
    return [_torch(bool(devices)), Check("gpu", "ok", driver), _cupy(str(answer.get("driver", "")) if devices else "")]


def _torch(gpu: bool) -> Check:
    version = _version("torch")
    if not version:
        return Check("torch", "fail", "not installed", "Install it with `pip install torch`.")
    cuda = _torch_cuda()
    if gpu and not cuda:
        return Check("torch", "warn", f"{version}, CPU build", "Install PyTorch's CUDA build to run models on the GPU.")
    return Check("torch", "ok", f"{version}, {f'CUDA {cuda}' if cuda else 'CPU build'}")


def _torch_cuda() -> str:
    """The CUDA version PyTorch was built for, read from its ``version.py`` (importing torch takes two seconds)."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return ""
    match = re.search(r"^cuda\b[^=]*=\s*(.+)$", (Path(spec.origin).parent / "version.py").read_text(), re.MULTILINE)
    return str(ast.literal_eval(match[1]) or "") if match else ""


def _cupy(driver: str) -> Check:
    found = {name: _version(name) for name in ("cupy-cuda12x", "cupy-cuda13x", "cupy")}
    installed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    major = "13" if driver.startswith("13") else "12"
    how = f"pip install 'nnscope[cuda{major}]'"
    if installed:
        return Check("cupy", "ok", installed if driver else f"{installed}, unused: no CUDA device")
    if driver:
        return Check("cupy", "warn", "not installed", f"To compute on the GPU, install it with `{how}`.")
    return Check("cupy", "ok", "not installed (no CUDA device to use it on)")


def _ask_qt() -> dict[str, Any]:
    """In a child: make the smallest application object and say what it runs on."""
    if sys.platform == "linux" and (_platform_problem() or _display_problem()):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # no window, but Qt itself can be looked at
    from PyQt6.QtCore import PYQT_VERSION_STR, qVersion
    from PyQt6.QtGui import QGuiApplication

    application = QGuiApplication(["nnscope-doctor"])
    return {"qt": qVersion(), "pyqt": PYQT_VERSION_STR, "platform": application.platformName()}


def _ask_cuda() -> dict[str, Any]:
    """In a child: the devices the CUDA driver knows, through its C interface, so that neither PyTorch nor CuPy is
    needed to find them."""
    import ctypes

    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return {"devices": []}
    version, count, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(128)
    if error := cuda.cuInit(0):
        return {"devices": [], "error": f"the CUDA driver does not start (error {error})"}
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    devices = []
    for index in range(count.value):
        cuda.cuDeviceGetName(name, len(name), index)
        devices.append(name.value.decode(errors="replace"))
    return {"devices": devices, "driver": f"{version.value // 1000}.{version.value % 1000 // 10}"}


if __name__ == "__main__":
    json.dump({"qt": _ask_qt, "cuda": _ask_cuda}[sys.argv[1]](), sys.stdout)
