"""What a fresh process takes to open a file: memory and time, and how many names it finds there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT = """
import sys, time
from nnscope.core.errors import FileError
from nnscope.sources.files.open import open_file

def resident(key):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(key))

with open("/proc/self/clear_refs", "w") as control:
    control.write("5")  # forget the peak of the imports
before, start = resident("VmRSS"), time.process_time()
try:
    tensors = open_file(sys.argv[1]).listing().tensors
except FileError:
    tensors = ()
seconds = time.process_time() - start
print(seconds, resident("VmHWM") - before, sum(1 + len(info.aliases) for info in tensors))
"""


class Opening(NamedTuple):
    """Processor seconds; bytes by which the largest resident size exceeded that before; names listed."""

    seconds: float
    memory: int
    names: int


def opening_of(path: Path) -> Opening:
    """Open a file in a process of its own; a file that is refused has no names."""
    done = subprocess.run([sys.executable, "-c", _SCRIPT, str(path)], capture_output=True, text=True, check=True)
    seconds, memory, names = done.stdout.split()
    return Opening(float(seconds), int(memory), int(names))
