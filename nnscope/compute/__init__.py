"""One file per method: pure functions on arrays. Definitions and oracles are in each module's docstring.

Methods of several files have a room of their own; beside the rooms lies what stands alone or serves them all.
"""
