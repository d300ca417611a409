"""Fitting Gaussian fields from the window: what is asked, the process that works, and how it goes."""
