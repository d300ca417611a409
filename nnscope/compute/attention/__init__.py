"""Attention as matrices: maps and entropy, recursion, rollout, the Laplacian of tokens."""
