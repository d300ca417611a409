"""One offscreen context for the tests of a module that draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.render.offscreen import Offscreen


@pytest.fixture(scope="module")
def screen() -> Iterator[Offscreen]:
    """Draws frames; its atlas keeps what earlier tests of the module uploaded, as in a window."""
    from nnscope.render.offscreen import Offscreen

    with Offscreen() as made:
        yield made
