"""The plugins that ship with nnscope, each written only against the public plugin interface."""
