"""Rays through a volume and what they meet: the definitions that the shaders follow."""
