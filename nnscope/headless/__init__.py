"""Sources asked without a window: opened, read, drawn offscreen. Command line and Python interface stand on it.

A `Client` asks an engine one thing at a time and waits; `part` is the arithmetic of indices; `Look` says how a picture
is to look, and `take_picture` makes it: composed by the scene as a window would, drawn with no display.
"""
