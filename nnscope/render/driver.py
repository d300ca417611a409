"""What OpenGL runs on: a GPU, or a software driver, for which the processor does all the work."""

from __future__ import annotations

from vispy import gloo

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "SwiftShader", "GDI Generic")


def renderer_name() -> str:
    """The driver's name for what it runs on; a context must be current."""
    return str(gloo.gl.glGetParameter(gloo.gl.GL_RENDERER))


def is_software(name: str) -> bool:
    """Whether that is the processor."""
    return any(word in name for word in _SOFTWARE)
