"""Taking turns: what finds no room at one look is what the next one is about."""

from __future__ import annotations


class Turns:
    """Whose turn it is, where there is not room for all at once.

    At first it is everybody's turn. Those that found no room are the only ones at the next look, until none is left
    out; then it is everybody's again. Nobody is left out for good who fits at all.
    """

    def __init__(self) -> None:
        self.never: set[str] = set()  # those that are larger than all the room there is
        self.now: frozenset[str] = frozenset()  # whose turn it is; empty for everybody's
        self._missed: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether it is the turn of ``name``."""
        return not self.now or name in self.now

    def miss(self, name: str, fits: bool) -> None:
        """There was no room for ``name``; ``fits`` tells whether there would be, with nobody else."""
        (self._missed if fits else self.never).add(name)

    def end(self) -> None:
        """The look is over."""
        stuck = self._missed == self.now  # such as what never fits together
        self.now, self._missed = frozenset(() if stuck else self._missed), set()
