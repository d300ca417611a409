"""A large volume is drawn at its finest level within a budget of memory, of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SIDE = 512
BUDGET = 1 << 20  # KiB, the interpreter and the driver included

# The peak is that of this process alone: ru_maxrss would begin at the parent's.
LOOK = "import nnscope, sys; tensor, = nnscope.open(sys.argv[1]).values(); tensor.render(size=(64, 64))"
DRAW = """
import sys
from pathlib import Path
import nnscope

tensor, = nnscope.open(sys.argv[1]).values()
picture = tensor.render(view="volume", mode="mip", size=(640, 640), camera=(30, 20, 0.35))
lines = Path("/proc/self/status").read_text().splitlines()
peak, = (line.split()[1] for line in lines if line.startswith("VmHWM"))
seen = (picture.rgba[..., :3] != picture.rgba[0, 0, :3]).any(-1).mean()
print(picture.legend.level, peak, seen)
"""


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume of 16-bit floats of which no brick can be passed over without a look."""
    path = tmp_path_factory.mktemp("large") / "noise.npy"
    some = np.random.default_rng(0).standard_normal((32, SIDE, SIDE), dtype=np.float32).astype(np.float16)
    whole = np.lib.format.open_memmap(path, "w+", np.float16, (SIDE, SIDE, SIDE))
    for first in range(0, SIDE, len(some)):
        whole[first : first + len(some)] = some
    return path


@pytest.mark.gl
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_a_volume_of_512_a_side_is_drawn_at_its_finest_level_within_one_gibibyte(noise: Path) -> None:
    _told(LOOK, noise)  # statistics are kept: the first look at a file also loads what counts them
    level, peak, seen = _told(DRAW, noise).split()
    assert int(level) == 0
    assert float(seen) > 0.5
    assert 512 << 10 < int(peak) < BUDGET  # 512 MiB are the values as they are drawn


def _told(script: str, path: Path) -> str:
    command = [sys.executable, "-c", script, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
