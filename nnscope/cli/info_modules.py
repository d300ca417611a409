"""``nnscope info --modules``: what can be observed of each module of a model, and what can't and why."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nnscope.cli.document import print_document
from nnscope.cli.table import Column, print_table
from nnscope.core.errors import NnscopeError
from nnscope.report import HEADS, Compatibility

if TYPE_CHECKING:
    from nnscope.core.tensor import Listing


def tell_modules(listing: Listing, layer: str, as_json: bool) -> int:
    """Print the modules whose paths match ``layer``; the exit code.

    Raises
    ------
    NnscopeError
        If the listing is of no model that runs.
    """
    if not any(module.observed for module in listing.modules):
        raise NnscopeError("Nothing runs here whose modules could be observed.", listing.path, "Open a model.")
    found = Compatibility([module for module in listing.modules if fnmatchcase(module.path, layer)])
    if as_json:
        fields = ("path", "type", "observed", "note")
        modules = [{name: getattr(module, name) for name in fields} for module in found]
        print_document({"path": listing.path, "modules": modules})
        return 0
    print_table(tuple(Column(head) for head in HEADS), found.rows)
    print(found.summary)
    return 0
