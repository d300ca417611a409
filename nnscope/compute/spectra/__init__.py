"""Singular values of weights and what is read off them."""
