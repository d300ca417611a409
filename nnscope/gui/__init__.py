"""The Qt window: widgets that show the scene and turn what people do into calls of `nnscope.scene.Controller`.

Widgets hold no logic: they read the controller's state, and ask it for changes. Every text that comes from a file goes
through `nnscope.gui.text`. The canvas is handed in by `nnscope.app`; this room never imports VisPy.
"""
