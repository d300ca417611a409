"""Icons, canvas fonts and trained demo weights, found through `nnscope.core.assets`."""
