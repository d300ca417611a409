"""``nnscope doctor``: what works on this machine, and what to install."""

from __future__ import annotations

from nnscope.cli.document import print_document
from nnscope.cli.failures import FAILURE
from nnscope.cli.options import JsonOption  # noqa: TC001 - Typer reads annotations
from nnscope.cli.table import Column, print_table
from nnscope.core.text import plain

_COLUMNS = (Column("what"), Column("status"), Column("found"))


def doctor(as_json: JsonOption = False) -> int:
    """Say what works here, and what to install.

    Python and its packages, the display, Qt, OpenGL, PyTorch, the GPU.
    """
    from nnscope import doctor as examination

    checks = examination.report()
    document = examination.as_json(checks)
    if as_json:
        print_document(document)
    else:
        print_table(_COLUMNS, [(check.name, check.status, plain(check.detail)) for check in checks])
        for check in checks:
            if check.remedy:
                print(f"{check.name}: {plain(check.remedy, limit=0)}")
    return 0 if document["ok"] else FAILURE
