"""The doctor's report: complete, quick, and alive when what it asks crashes, hangs or is missing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nnscope import doctor, native

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="displays and system libraries of Linux")


def test_report_is_complete_and_quick() -> None:
    start = time.monotonic()
    checks = doctor.report()
    assert time.monotonic() - start < 5 + 1  # the promise, and a second for a busy machine
    names = {check.name for check in checks}
    assert {"python", "numpy", "vispy", "qt", "display", "opengl", "torch", "gpu", "cupy"} <= names
    assert all(check.remedy.endswith(".") for check in checks if check.status != "ok")
    details = {check.name: check.detail for check in checks}
    assert details["numpy"].startswith("2.")
    assert "OpenGL" in details["opengl"]


def test_report_as_strict_json() -> None:
    checks = [doctor.Check("a", "ok", "1"), doctor.Check("b", "fail", "none", "Install it.")]
    document = doctor.as_json(checks)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert not document["ok"]
    assert document["checks"][1] == {"name": "b", "status": "fail", "detail": "none", "remedy": "Install it."}


def test_a_warning_is_no_failure() -> None:
    assert doctor.as_json([doctor.Check("cupy", "warn", "not installed", "Install it.")])["ok"]


def test_nothing_heavy_is_imported_here() -> None:
    code = "import sys; from nnscope import doctor; doctor.report(); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert not {"PyQt6", "torch", "vispy", "numpy", "cupy", "OpenGL"} & set(out.split())


def test_a_probe_that_crashes_or_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crashes.py").write_text("import os, sys; print('it broke', file=sys.stderr, flush=True); os.abort()")
    (tmp_path / "hangs.py").write_text("import time; time.sleep(60)")
    (tmp_path / "babbles.py").write_text("print('[1]')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    probes = {name: doctor._Probe(name) for name in ("crashes", "hangs", "babbles", "missing_module")}
    deadline = time.monotonic() + 3
    answers = {name: probe.answer(deadline) for name, probe in probes.items()}
    assert answers["crashes"] == {"error": "it broke"}
    assert answers["hangs"]["error"].startswith("no answer")
    assert answers["babbles"] == {"error": "exit 0"}
    assert "missing_module" in answers["missing_module"]["error"]


@pytest.mark.parametrize(
    ("answer", "version", "statuses"),
    [
        ({"devices": []}, {"torch": "2.13.0"}, ["ok", "ok", "ok"]),
        ({"devices": ["NVIDIA H100"], "driver": "13.0"}, {"torch": "2.13.0"}, ["warn", "ok", "warn"]),
        (
            {"devices": ["NVIDIA H100"], "driver": "12.8"},
            {"torch": "2.13.0", "cupy-cuda12x": "14"},
            ["warn", "ok", "ok"],
        ),
        ({"error": "the CUDA driver does not start (error 999)"}, {}, ["fail", "ok", "ok"]),
    ],
    ids=["no GPU", "GPU, nothing for it", "GPU and CuPy", "broken driver, no torch"],
)
def test_gpu_parts_must_fit(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, object], version: dict[str, str], statuses: list[str]
) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: version.get(name, ""))
    monkeypatch.setattr(doctor, "_torch_cuda", lambda: "")
    checks = doctor._gpu(answer)
    assert [check.status for check in checks] == statuses
    if "driver" in answer and statuses[2] == "warn":
        assert "nnscope[cuda13]" in checks[2].remedy


def test_cuda_version_of_torch_is_read_without_importing_it() -> None:
    import torch

    assert doctor._torch_cuda() == (torch.version.cuda or "")


# --- what is in the way of a window -----------------------------------------------------------------------------------


@pytest.fixture
def listening_display() -> Iterator[str]:
    """A display number on which somebody listens (an abstract socket, as X servers open beside the file)."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0/tmp/.X11-unix/X4711")
        server.listen()
        yield ":4711"


@pytest.fixture
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


@linux_only
@pytest.mark.usefixtures("no_desktop")
class TestStartup:
    def test_no_display(self) -> None:
        assert (doctor.startup_problem() or "").startswith("There is no display")

    def test_dead_display(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DISPLAY", ":4712")
        assert doctor.startup_problem() == (
            "The display :4712 does not answer: set DISPLAY to one that runs, or use `nnscope render`."
        )

    def test_listening_display(self, monkeypatch: pytest.MonkeyPatch, listening_display: str) -> None:
        monkeypatch.setenv("DISPLAY", listening_display)
        assert doctor.startup_problem() is None

    @pytest.mark.parametrize("platform", ["offscreen", "minimal", "vnc", "nonsense", "eglfs:x"])
    def test_platform_without_opengl(
        self, monkeypatch: pytest.MonkeyPatch, listening_display: str, platform: str
    ) -> None:
        monkeypatch.setenv("DISPLAY", listening_display)
        monkeypatch.setenv("QT_QPA_PLATFORM", platform)
        assert f"QT_QPA_PLATFORM is {platform!r}" in (doctor.startup_problem() or "")

    @pytest.mark.parametrize("platform", ["xcb", "wayland;xcb", "xcb:dpi=96", "offscreen;xcb"])
    def test_platform_with_opengl(self, monkeypatch: pytest.MonkeyPatch, listening_display: str, platform: str) -> None:
        monkeypatch.setenv("DISPLAY", listening_display)
        monkeypatch.setenv("QT_QPA_PLATFORM", platform)
        assert doctor.startup_problem() is None

    def test_missing_library_names_its_package(self, monkeypatch: pytest.MonkeyPatch, listening_display: str) -> None:
        monkeypatch.setenv("DISPLAY", listening_display)
        absent = native.SystemLibrary("libxcb-nothing.so.0", "libxcb-nothing0")
        monkeypatch.setattr(native, "X11", (*native.X11, absent))
        monkeypatch.setattr(native.shutil, "which", lambda name: name)
        problem = doctor.startup_problem()
        assert problem == (
            "System libraries are missing (libxcb-nothing.so.0): "
            "install them with `sudo apt-get install -y libxcb-nothing0`."
        )

    def test_no_qt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _: None)
        assert "pip install PyQt6" in (doctor.startup_problem() or "")

    def test_costs_next_to_nothing(self, monkeypatch: pytest.MonkeyPatch, listening_display: str) -> None:
        monkeypatch.setenv("DISPLAY", listening_display)
        times = []
        for _ in range(5):
            start = time.perf_counter()
            doctor.startup_problem()
            times.append(time.perf_counter() - start)
        assert min(times) < 0.02  # 5 ms on a quiet machine


# --- system libraries -------------------------------------------------------------------------------------------------


@linux_only
def test_the_table_covers_what_qts_plugin_links() -> None:
    """Every system library that the platform plugin names itself is in the table."""
    plugin = _qt_plugin("platforms/libqxcb.so")
    if shutil.which("readelf") is None or plugin is None:
        pytest.skip("no readelf, or a Qt from elsewhere")
    known = {library.name for library in (*native.QT, *native.X11)}
    needed = _needed(plugin) | _needed(plugin.parents[2] / "lib" / "libQt6XcbQpa.so.6")
    ours = {name for name in needed if not name.startswith(("libQt6", "libc.", "libm.", "libgcc_s", "ld-linux"))}
    assert ours <= known


def _qt_plugin(name: str) -> Path | None:
    spec = doctor.importlib.util.find_spec("PyQt6")
    path = Path(spec.origin).parent / "Qt6" / "plugins" / name if spec and spec.origin else None
    return path if path and path.exists() else None


def _needed(library: Path) -> set[str]:
    out = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
    return {line.rpartition("[")[2].rstrip("]") for line in out.splitlines() if "(NEEDED)" in line}


@linux_only
def test_a_library_is_listed_or_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = native.SystemLibrary("libnothing-of-this-name.so.9", "libnothing9")
    there = native.SystemLibrary("libc.so.6", "libc6")
    assert native.missing_libraries((there, absent)) == [absent]
    assert native.unlisted_libraries((there, absent)) == [absent]


def test_sentence_without_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native.shutil, "which", lambda _: None)
    sentence = native.missing_sentence([native.SystemLibrary("libEGL.so.1", "libegl1")])
    assert sentence == "System libraries are missing (libEGL.so.1): install them with your system's package manager."


def test_packages_are_named_once() -> None:
    twice = [
        native.SystemLibrary("b.so", "two"),
        native.SystemLibrary("c.so", "one"),
        native.SystemLibrary("d.so", "two"),
    ]
    assert native.packages(twice) == ["one", "two"]


@linux_only
@pytest.mark.parametrize(("display", "wayland"), [(":0", False), ("", True)])
def test_libraries_are_those_of_the_display(monkeypatch: pytest.MonkeyPatch, display: str, wayland: bool) -> None:
    monkeypatch.setitem(os.environ, "DISPLAY", display)
    monkeypatch.setitem(os.environ, "WAYLAND_DISPLAY", "wayland-0")
    names = {library.name for library in native.window_libraries()}
    assert ("libwayland-client.so.0" in names) == wayland
    assert ("libxcb-cursor.so.0" in names) != wayland
