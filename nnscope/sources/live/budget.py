"""What a recording may take: memory for copies, room on the disk, and whether copies are carried in half precision."""

from __future__ import annotations

from dataclasses import dataclass

from nnscope.core.errors import NnscopeError

_PLACES = 5  # where copies are held: by module hooks, by gradient hooks, in a look, waiting, being recorded


@dataclass(frozen=True, slots=True)
class Budget:
    """What a recording may take.

    Attributes
    ----------
    memory : int
        Bytes that copies of tensors may take on the host at once; those of a model on a GPU may take as many there. A
        fifth of them is what one look at the tensors copies: where that is too little for all, they take turns.
    disk : int
        Bytes that the folder of the run may have; beyond, old frames are thinned evenly, and the run says so.
    frame : int
        Bytes of what is kept of one tensor at a look; 0 for 64 KB, or as much as makes 4 MB in all where a look has few
        tensors. A tensor beyond is kept in part, or as means of blocks, with the statistics of all of it.
    half : bool
        Carry float32 values in half precision (float16 attention, bfloat16 else), and label them so; statistics are
        then those of the carried values.

    Raises
    ------
    NnscopeError
        If there is room for nothing.
    """

    memory: int = 1280 << 20
    disk: int = 8 << 30
    frame: int = 0
    half: bool = False

    def __post_init__(self) -> None:
        for name in ("memory", "disk"):
            if getattr(self, name) < 1:
                raise NnscopeError("There would be room for nothing.", f"{name}={getattr(self, name)}", "Give more.")

    @property
    def share(self) -> int:
        """Bytes that may be held in each of the places where copies are."""
        return max(1, self.memory // _PLACES)
