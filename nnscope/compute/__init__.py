"""One file per method: pure functions on arrays. Definitions and oracles are in each module's docstring."""
