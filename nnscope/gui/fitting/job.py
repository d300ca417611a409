"""A fit, or codes compared: values are read by the engine that holds them, and worked on in a process of its own."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import QObject, QProcess, pyqtSignal

from nnscope.core.answer import Values
from nnscope.core.errors import Failure
from nnscope.core.request import ReadRegion

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from nnscope.engine.protocol import Engine, Job
    from nnscope.scene.fitting import FitPart

PATIENCE = 2000  # ms that the process has to end


class FitJob(QObject):
    """One of them.

    Emits ``stepped`` (list of what steps tell, as `nnscope.fields.record.Step` has it) and ``coded`` (list of codes, as
    `nnscope.fields.compression.CompressionRow` has them), then ``done`` (what the process says of the field at `path`,
    or of the codes) or ``failed`` (Failure). ``wanted`` is what the process is to be told beside values and place.
    """

    stepped = pyqtSignal(list)
    coded = pyqtSignal(list)
    done = pyqtSignal(dict)
    failed = pyqtSignal(object)
    _ready = pyqtSignal(object)  # from the engine's thread

    def __init__(self, part: FitPart, wanted: dict[str, int], folder: Path, parent: QObject) -> None:
        super().__init__(parent)
        self.path = folder / f"{_file_name(part.info.address)}.field.safetensors"
        self._values = folder / "values.npy"
        self._part, self._wanted = part, wanted
        self._reading: Job | None = None
        self._process: QProcess | None = None
        self._rest = b""
        self._told = False  # the end
        self._ready.connect(self._begin)

    def start(self, engine: Engine) -> None:
        """Read the values and fit them."""
        self._reading = engine.submit(ReadRegion(self._part.info.address, self._part.region))
        self._reading.future.add_done_callback(self._take)

    def finish(self) -> None:
        """End with the best field so far."""
        if self._process is not None:
            self._process.write(b"stop\n")

    def abandon(self) -> None:
        """End with nothing."""
        self._told = True
        if self._reading is not None:
            self._reading.cancel()
        process, self._process = self._process, None
        if process is not None:
            process.closeWriteChannel()  # which ends it
            if not process.waitForFinished(PATIENCE):
                process.kill()
                process.waitForFinished(PATIENCE)

    def _take(self, future: Future[Any]) -> None:
        """Put the values down; in the engine's thread."""
        answer: object = Failure("Cancelled.", code="cancelled") if future.cancelled() else future.result()
        if isinstance(answer, Values):
            try:
                np.save(self._values, np.asarray(answer.values).reshape(self._part.shape).astype(np.float32))
            except OSError as error:
                answer = Failure(f"The values can't be written: {error.strerror}.", str(self._values))
        self._ready.emit(answer)

    def _begin(self, answer: object) -> None:
        if isinstance(answer, Failure):
            self._end(answer)
        elif not self._told:
            self._process = process = QProcess(self)
            process.readyReadStandardOutput.connect(self._read)
            process.finished.connect(self._finished)
            process.errorOccurred.connect(self._finished)
            process.start(sys.executable, ["-m", "nnscope.fields.worker"])
            order = {"values": str(self._values), "out": str(self.path), "address": self._part.info.address}
            process.write((json.dumps({**order, **self._wanted}) + "\n").encode())

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._rest = (self._rest + self._process.readAllStandardOutput().data()).split(b"\n")
        told = [json.loads(line) for line in lines]
        steps = [entry["step"] for entry in told if "step" in entry]
        if steps:
            self.stepped.emit(steps)
        codes = [entry["code"] for entry in told if "code" in entry]
        if codes:
            self.coded.emit(codes)
        for entry in told:
            if "done" in entry:
                self._told = True
                self.done.emit(entry["done"])
            elif "failure" in entry:
                self._end(Failure(**entry["failure"]))

    def _finished(self) -> None:
        if self._process is not None and not self._told:
            details = self._process.readAllStandardError().data().decode(errors="replace")
            self._end(Failure("The fit ended by itself.", self._part.info.address, "Try again.", "fit", details))

    def _end(self, failure: Failure) -> None:
        if not self._told:
            self._told = True
            self.failed.emit(failure)


def _file_name(address: str) -> str:
    name = "".join(c if c.isalnum() or c in "._-" else "-" for c in address)[:80].strip("-.")
    return name or "tensor"
