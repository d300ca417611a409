"""What OpenGL is here, for `nnscope doctor`: ``python -m nnscope.render.limits`` prints one JSON object.

Run it in a child process: a broken driver may crash.
"""

from __future__ import annotations

import json
import sys

from nnscope.core.errors import NnscopeError
from nnscope.render.driver import is_software, renderer_name
from nnscope.render.offscreen import Offscreen

_MAX_3D_TEXTURE_SIZE, _SHADING_LANGUAGE_VERSION = 0x8073, 0x8B8C


def gl_info() -> dict[str, str | int | bool]:
    """Names and limits of the driver that offscreen pictures are drawn with.

    Raises
    ------
    NnscopeError
        If OpenGL can't be used here; it says what to install.
    """
    with Offscreen() as screen, screen.renderer():
        from vispy.gloo import gl

        name = renderer_name()
        return {
            "renderer": name,
            "vendor": str(gl.glGetParameter(gl.GL_VENDOR)),
            "version": str(gl.glGetParameter(gl.GL_VERSION)),
            "glsl": str(gl.glGetParameter(_SHADING_LANGUAGE_VERSION)),
            "max_texture_size": int(gl.glGetParameter(gl.GL_MAX_TEXTURE_SIZE)),
            "max_3d_texture_size": int(gl.glGetParameter(_MAX_3D_TEXTURE_SIZE)),
            "software": is_software(name),
        }


def main() -> int:
    """Print `gl_info`, or the reason why there is none as ``{"error": …}``."""
    try:
        info: dict[str, str | int | bool] = gl_info()
    except NnscopeError as error:
        info = {"error": str(error)}
    print(json.dumps(info))
    return 1 if "error" in info else 0


if __name__ == "__main__":
    sys.exit(main())
