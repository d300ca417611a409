"""Where arrays live: NumPy on the host, CuPy on a GPU."""
