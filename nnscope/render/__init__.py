"""Drawing frames with VisPy: one visual per kind of picture, furniture, the window's canvas and offscreen pictures.

Only `vispy.gloo` and `vispy.app` are used, on VisPy's plain ``gl2`` backend: `vispy.scene` and PyOpenGL would add a
quarter of a second to every start, and PyOpenGL binds a process to either GLX or EGL, where ``gl2`` serves the window
and offscreen pictures side by side.
"""

import os
import sys

if sys.platform == "linux":  # else VisPy asks ldconfig, which takes 30 ms and fails where there is none
    os.environ.setdefault("VISPY_GL_LIB", "libGL.so.1")
