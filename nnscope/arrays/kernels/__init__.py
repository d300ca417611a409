"""Hot loops in twins: ``NAME.py`` for the CPU (Numba) and ``NAME.cu`` for the GPU (run by CuPy).

Importing a module of this room costs the import of Numba (0.45 s), so callers import it where they first need it.
"""
