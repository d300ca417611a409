"""Methods that answer with arrays and numbers rather than with a picture: one file per family, found by name."""
