"""The words every other room speaks: addresses, tensor infos, layouts, requests, answers, pictures, errors.

Nothing here imports a heavy library: ``import nnscope.core`` costs nothing but the standard library.
Arrays appear in annotations only.
"""
