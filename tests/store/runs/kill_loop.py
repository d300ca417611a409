"""Record and be killed, again and again: ``python -m tests.store.runs.kill_loop FOLDER ROUNDS SEED`` tells the losses.

Each round forks a child that records as fast as it can and reports every flushed step through a pipe; it is killed at a
random moment. Afterwards every reported step must be readable, and ``verify`` must find the run whole.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from nnscope.store.runs import compaction
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import verify
from nnscope.store.runs.writer import Limits, RunWriter
from tests.store.runs.made import WEIGHT, record

LONGEST = 0.25  # seconds until a child is killed, at most


def record_until_killed(folder: Path, reports: int) -> None:
    """Flush at every step, with joining and thinning at work, and report each step afterwards."""
    writer = RunWriter(folder, limits=Limits(folder=40_000))
    for step in range(100_000):
        writer.append(record(step))
        writer.flush()
        if writer.trouble:
            os._exit(1)
        os.write(reports, step.to_bytes(4, "little"))


def one_round(folder: Path, seconds: float) -> tuple[int, str]:
    """Steps that were reported, and what is wrong with the run; an empty text when nothing is."""
    receive, send = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        record_until_killed(folder, send)
    os.close(send)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    reported = b""
    while part := os.read(receive, 1 << 16):
        reported += part
    os.close(receive)
    steps = len(reported) // 4
    if not os.WIFSIGNALED(status):
        return steps, "the recording stopped by itself"
    return steps, wrong_with(folder, steps)


def wrong_with(folder: Path, steps: int) -> str:
    """What is missing of the first ``steps`` steps."""
    if not steps:
        return ""
    verdict = verify(folder)
    if verdict.code:
        return f"verify says {verdict.code}: {verdict.damaged} {verdict.missing}"
    reader = RunReader(folder)
    try:
        losses = reader.scalar("loss").values[:steps].tolist()
        if losses != [record(step).scalars["loss"] for step in range(steps)]:
            return "numbers are missing or wrong"
        kept = reader.frame("stem.weight", steps - 1)
        if kept is None or kept[2].arrays["values"].tobytes() != (
            record(steps - 1).frames[WEIGHT].arrays["values"].tobytes()
        ):
            return "the newest frame is missing or wrong"
        return ""
    finally:
        reader.close()


def main() -> None:
    """Print a JSON object: rounds, those in which something was reported, steps, and what went wrong."""
    folder, rounds, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    compaction.AT_ONCE = 4
    record(0)
    told, steps, wrong = 0, 0, []
    for number in range(rounds):
        reported, trouble = one_round(folder / str(number), chance.uniform(0, LONGEST))
        told, steps = told + bool(reported), steps + reported
        wrong += [f"round {number}: {trouble}"] if trouble else []
    print(json.dumps({"rounds": rounds, "reported": told, "steps": steps, "wrong": wrong}))


if __name__ == "__main__":
    main()
