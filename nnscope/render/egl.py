"""An OpenGL context with neither a display nor a window, through EGL and without PyOpenGL.

Mesa's surfaceless platform is asked for by name, so that a DISPLAY that is set but dead plays no role; elsewhere the
default display is taken. All drawing goes into framebuffer objects, so no surface is made.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from nnscope.core.errors import NnscopeError

_SURFACELESS = 0x31DD  # EGL_PLATFORM_SURFACELESS_MESA
_OPENGL = 0x30A2  # EGL_OPENGL_API
_RENDERABLE_TYPE, _SURFACE_TYPE, _OPENGL_BIT, _NONE = 0x3040, 0x3033, 0x0008, 0x3038

_PACKAGES = "libegl1 libgl1 libgl1-mesa-dri"

_POINTER, _INT = ctypes.c_void_p, ctypes.c_int
_SIGNATURES = {
    "eglGetPlatformDisplay": (_POINTER, (ctypes.c_uint, _POINTER, _POINTER)),
    "eglGetDisplay": (_POINTER, (_POINTER,)),
    "eglInitialize": (_INT, (_POINTER, _POINTER, _POINTER)),
    "eglBindAPI": (_INT, (_INT,)),
    "eglChooseConfig": (_INT, (_POINTER, _POINTER, _POINTER, _INT, _POINTER)),
    "eglCreateContext": (_POINTER, (_POINTER, _POINTER, _POINTER, _POINTER)),
    "eglMakeCurrent": (_INT, (_POINTER, _POINTER, _POINTER, _POINTER)),
    "eglDestroyContext": (_INT, (_POINTER, _POINTER)),
    "eglGetError": (_INT, ()),
}


class EglContext:
    """A context of this thread.

    Raises
    ------
    NnscopeError
        If there is no EGL or no OpenGL driver.
    """

    def __init__(self) -> None:
        _load_triton_first()
        self._egl = _library()
        self._display = self._open_display()
        self._egl.eglBindAPI(_OPENGL)
        self._context = self._egl.eglCreateContext(self._display, self._config(), None, None)
        if not self._context:
            raise _no_context(f"EGL made no OpenGL context (error 0x{self._egl.eglGetError():04x}).")

    def make_current(self) -> None:
        """Let OpenGL calls of this thread go here. A window's context is set aside; Qt takes it up again to draw."""
        _set_window_aside()
        if not self._egl.eglMakeCurrent(self._display, None, None, self._context):
            raise _no_context(f"The OpenGL context can't be used (EGL error 0x{self._egl.eglGetError():04x}).")

    def release(self) -> None:
        """No context is current any more."""
        self._egl.eglMakeCurrent(self._display, None, None, None)

    def close(self) -> None:
        """Destroy the context. Idempotent."""
        if self._context:
            self.release()
            self._egl.eglDestroyContext(self._display, self._context)
            self._context = None

    def _open_display(self) -> int:
        """The surfaceless display, else the default one."""
        for display in (self._egl.eglGetPlatformDisplay(_SURFACELESS, None, None), self._egl.eglGetDisplay(None)):
            if display and self._egl.eglInitialize(display, None, None):
                return int(display)
        raise _no_context("EGL finds nothing to draw with.")

    def _config(self) -> Any:
        """Any configuration for OpenGL; without surfaces none is needed, and Mesa has none to offer."""
        wanted = (_INT * 5)(_RENDERABLE_TYPE, _OPENGL_BIT, _SURFACE_TYPE, 0, _NONE)
        config, count = _POINTER(), _INT()
        self._egl.eglChooseConfig(self._display, wanted, ctypes.byref(config), 1, ctypes.byref(count))
        return config if count.value else None


def _library() -> Any:
    if sys.platform != "linux":
        raise NnscopeError("Pictures without a window need EGL, which nnscope uses on Linux only.")
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError as error:
        raise _no_context("The library libEGL.so.1 is missing.") from error
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(egl, name)
        function.restype, function.argtypes = result, arguments
    return egl


def _no_context(what: str) -> NnscopeError:
    return NnscopeError(what, remedy=f"Install the packages {_PACKAGES}; `nnscope doctor` tells more.")


def _set_window_aside() -> None:
    """A thread has one current context over GLX and EGL together. Qt isn't imported for this."""
    gui = sys.modules.get("PyQt6.QtGui")
    window = gui.QOpenGLContext.currentContext() if gui is not None else None
    if window is not None:
        window.doneCurrent()


def _load_triton_first() -> None:
    """Where PyTorch is at work, load its compiler before Mesa.

    Triton and Mesa's software driver each bring an LLVM; importing triton second ends the process by a segmentation
    fault, importing it first does not (seen with triton of PyTorch 2.13 and llvmpipe). Triton comes with CUDA builds.
    """
    if "torch" in sys.modules and "triton" not in sys.modules and find_spec("triton") is not None:
        with suppress(ImportError):
            import_module("triton")
