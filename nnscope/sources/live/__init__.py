"""Tensors of a running PyTorch model. Only this room of the package imports torch."""
