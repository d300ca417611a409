"""The system libraries that Qt and OpenGL load at run time: which are missing, and which package brings them.

Qt's wheels bring Qt but neither X11 nor OpenGL, and a library that is missing ends the process with Qt's abort text
alone. So each is loaded here first, by the name that Qt and VisPy would use (promise P19). The lists are what the
dynamic linker names for ``libqxcb.so``, its GLX integration and ``libqwayland.so`` of Qt 6.11, less the C library.

Standard library only: `packaging/bootstrap.py` asks before anything is installed. Nothing is known about systems other
than Linux, where nothing is missing.
"""

from __future__ import annotations

import ctypes
import glob
import os
import shutil
import sys
from dataclasses import dataclass

_GRAPHICS_DEVICES = ("/dev/dri/*", "/dev/nvidia[0-9]*", "/dev/dxg", "/dev/mali*", "/dev/kgsl*")


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A shared library by the name it is loaded by, and the package of Debian and Ubuntu that has it."""

    name: str
    package: str


def _table(text: str) -> tuple[SystemLibrary, ...]:
    return tuple(SystemLibrary(*line.split()) for line in text.strip().splitlines())


# What every Qt widget needs, wherever it is shown.
QT = _table("""
    libGL.so.1              libgl1
    libEGL.so.1             libegl1
    libX11.so.6             libx11-6
    libxkbcommon.so.0       libxkbcommon0
    libfontconfig.so.1      libfontconfig1
    libfreetype.so.6        libfreetype6
    libglib-2.0.so.0        libglib2.0-0
    libgthread-2.0.so.0     libglib2.0-0
    libdbus-1.so.3          libdbus-1-3
    libz.so.1               zlib1g
    libzstd.so.1            libzstd1
    libstdc++.so.6          libstdc++6
""")

X11 = _table("""
    libX11-xcb.so.1         libx11-xcb1
    libxcb.so.1             libxcb1
    libxcb-cursor.so.0      libxcb-cursor0
    libxcb-glx.so.0         libxcb-glx0
    libxcb-icccm.so.4       libxcb-icccm4
    libxcb-image.so.0       libxcb-image0
    libxcb-keysyms.so.1     libxcb-keysyms1
    libxcb-randr.so.0       libxcb-randr0
    libxcb-render.so.0      libxcb-render0
    libxcb-render-util.so.0 libxcb-render-util0
    libxcb-shape.so.0       libxcb-shape0
    libxcb-shm.so.0         libxcb-shm0
    libxcb-sync.so.1        libxcb-sync1
    libxcb-util.so.1        libxcb-util1
    libxcb-xfixes.so.0      libxcb-xfixes0
    libxcb-xinerama.so.0    libxcb-xinerama0
    libxcb-xkb.so.1         libxcb-xkb1
    libxkbcommon-x11.so.0   libxkbcommon-x11-0
""")

WAYLAND = _table("""
    libwayland-client.so.0  libwayland-client0
    libwayland-cursor.so.0  libwayland-cursor0
    libwayland-egl.so.1     libwayland-egl1
""")

# Drawing with no display at all: VisPy's EGL backend.
OFFSCREEN = _table("""
    libEGL.so.1             libegl1
    libGL.so.1              libgl1
    libGLESv2.so.2          libgles2
""")

_VENDORS = {
    "libEGL_mesa.so.0": ("libEGL_nvidia.so.0", "libegl-mesa0"),
    "libGLX_mesa.so.0": ("libGLX_nvidia.so.0", "libglx-mesa0"),
}
_DRIVERS = tuple(f"/usr/lib{folder}/{file}" for folder in ("*", "/*") for file in ("dri/*_dri.so", "libgallium-*.so"))
DRIVER_PACKAGE = "libgl1-mesa-dri"


def loads(name: str) -> bool:
    """Whether the dynamic linker finds and can load the library."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def missing_libraries(libraries: tuple[SystemLibrary, ...]) -> list[SystemLibrary]:
    """Those that can't be loaded here."""
    return [library for library in libraries if sys.platform == "linux" and not loads(library.name)]


def unlisted_libraries(libraries: tuple[SystemLibrary, ...]) -> list[SystemLibrary]:
    """The same, but one that the linker's cache lists is taken as there: 0.5 ms instead of 30, for every start."""
    try:
        with open("/etc/ld.so.cache", "rb") as file:
            listed = file.read()
    except OSError:  # no such cache: another C library, or another system
        listed = b""
    return missing_libraries(tuple(item for item in libraries if item.name.encode() + b"\0" not in listed))


def missing_drivers() -> list[SystemLibrary]:
    """What OpenGL is without: a vendor library for GLX and EGL, and a driver to draw with."""
    if sys.platform != "linux":
        return []
    left = [SystemLibrary(mesa, package) for mesa, (other, package) in _VENDORS.items() if not _either(mesa, other)]
    if not any(map(glob.glob, _DRIVERS)) and not loads("libGLX_nvidia.so.0"):
        left.append(SystemLibrary("an OpenGL driver", DRIVER_PACKAGE))
    return left


def window_libraries() -> tuple[SystemLibrary, ...]:
    """What a window needs on the display that is there; with none, what it would need under X11."""
    wayland = "WAYLAND_DISPLAY" in os.environ and not os.environ.get("DISPLAY")
    return QT + (WAYLAND if wayland else X11)


def install_command(libraries: list[SystemLibrary]) -> str:
    """The command that installs them; empty where packages are not Debian's."""
    if shutil.which("apt-get") is None:
        return ""
    return f"sudo apt-get install -y {' '.join(packages(libraries))}"


def packages(libraries: list[SystemLibrary]) -> list[str]:
    """The packages that bring ``libraries``, each once, in alphabetical order."""
    return sorted({library.package for library in libraries})


def missing_sentence(libraries: list[SystemLibrary]) -> str:
    """One sentence that names what is missing and how to install it."""
    names = ", ".join(library.name for library in libraries)
    command = install_command(libraries)
    how = f"`{command}`" if command else "your system's package manager"
    return f"System libraries are missing ({names}): install them with {how}."


def _either(*names: str) -> bool:
    return any(map(loads, names))


def may_have_graphics_card() -> bool:
    """False where OpenGL can only run on the processor: Linux without any graphics device."""
    return not sys.platform.startswith("linux") or any(map(glob.glob, _GRAPHICS_DEVICES))
