"""Gaussian density fields: tensors as sums of anisotropic Gaussians, direct or fitted, evaluated and projected."""
