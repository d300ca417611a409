"""The set-up script: it stands on the standard library, tells what is wrong in one sentence, and does nothing twice."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "packaging" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path) -> ModuleType:
    """The script as a module, at work in a checkout of its own."""
    checkout = tmp_path / "checkout"
    (checkout / "packaging").mkdir(parents=True)
    for name in ("pyproject.toml", "packaging/bootstrap.py", "packaging/constraints.txt"):
        shutil.copy(ROOT / name, checkout / name)
    (checkout / "nnscope").symlink_to(ROOT / "nnscope")
    spec = importlib.util.spec_from_file_location("bootstrap", checkout / "packaging" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Done(NamedTuple):
    returncode: int
    stdout: str = ""
    stderr: str = ""


def _alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with nothing but its standard library."""
    return subprocess.run([sys.executable, "-I", "-S", *arguments], capture_output=True, text=True, timeout=60)


def test_help_needs_the_standard_library_alone() -> None:
    done = _alone(str(SCRIPT), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "bootstrap.py run [PATH...]" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("install",)], ids=["nothing", "unknown"])
def test_wrong_usage_is_told(arguments: tuple[str, ...]) -> None:
    done = _alone(str(SCRIPT), *arguments)
    assert done.returncode == 2
    assert "bootstrap.py test" in done.stderr


def test_system_libraries_are_asked_with_the_standard_library_alone() -> None:
    code = f"""
import importlib.util
spec = importlib.util.spec_from_file_location("bootstrap", {str(SCRIPT)!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.missing_packages(window=True, xvfb=True))
"""
    done = _alone("-c", code)
    assert done.stderr == ""
    assert done.stdout.startswith("[")


def test_old_pythons_can_read_it() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("version", "other", "sentence"),
    [
        ((3, 9, 2), None, "needs 3.11 to 3.13: install one of these"),
        ((3, 9, 2), "python3.12", "run `python3.12 packaging/bootstrap.py`"),
        ((3, 14, 0), None, "needs 3.11 to 3.13"),
        ((3, 11, 0), None, None),
        ((3, 13, 9), None, None),
    ],
)
def test_unsuitable_python(
    bootstrap: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    version: tuple[int, ...],
    other: str | None,
    sentence: str | None,
) -> None:
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}" if name == other else None)
    monkeypatch.setattr(bootstrap.sys, "version_info", version)
    if sentence is None:
        bootstrap.check_python()
        return
    with pytest.raises(bootstrap.Stop, match=sentence.replace("[", r"\[")):
        bootstrap.check_python()


def test_full_disk(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(ROOT)._replace(free=2**30)
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(bootstrap.Stop, match=r"needs 4 GB in .* and 1\.0 GB are free"):
        bootstrap.check_disk()


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("Failed to establish a new connection: NewConnectionError(...)", "can't be reached"),
        (
            "2026-01-01 ERROR: No matching distribution found for torch==9",
            "No matching distribution found for torch==9",
        ),
        ("", "no reason given"),
    ],
    ids=["disk", "network", "resolver", "silent"],
)
def test_failures_of_pip_in_words(bootstrap: ModuleType, log: str, sentence: str) -> None:
    assert sentence in bootstrap.pip_failure(log)


@pytest.mark.parametrize(
    ("log", "stage"),
    [
        ("2026-01-01T00:00:00,000 Collecting numpy==2.4 (from -c c.txt (line 3))", "Collecting numpy==2.4"),
        ("2026-01-01T00:00:00,000   Downloading torch.whl (800 MB)\n2026 noise", "Downloading torch.whl (800 MB)"),
        ("2026 Installing collected packages: numpy, torch", "Unpacking packages (2)"),
        ("", ""),
    ],
)
def test_progress_of_pip_in_words(bootstrap: ModuleType, log: str, stage: str) -> None:
    assert bootstrap.pip_stage(log) == stage


# --- system packages ------------------------------------------------------------------------------------------------


@pytest.fixture
def commands(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[str]]]:
    """Pretend to be a machine: which programs it has, who we are, and how commands end. Returns what was run."""

    def pretend(programs: set[str], root: bool, ends: Callable[[list[str]], Done]) -> list[list[str]]:
        ran: list[list[str]] = []

        def run(command: list[str], **_: Any) -> Done:
            ran.append(command)
            return ends(command)

        monkeypatch.setattr(bootstrap.shutil, "which", lambda name: name if name in programs else None)
        monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr(bootstrap.subprocess, "run", run)
        return ran

    return pretend


def test_root_installs_after_an_update(bootstrap: ModuleType, commands: Callable[..., list[list[str]]]) -> None:
    ran = commands({"apt-get"}, True, lambda _: Done(0))
    bootstrap.install_system_packages(["libegl1", "xvfb"])
    assert [command[command.index("apt-get") + 1] for command in ran] == ["update", "install"]
    assert ran[1][-2:] == ["libegl1", "xvfb"]


def test_passwordless_sudo_installs(bootstrap: ModuleType, commands: Callable[..., list[list[str]]]) -> None:
    ran = commands({"apt-get", "sudo"}, False, lambda _: Done(0))
    bootstrap.install_system_packages(["libegl1"])
    assert all(command[:2] == ["sudo", "-n"] for command in ran)


@pytest.mark.parametrize(
    ("programs", "root", "sentence"),
    [
        ({"apt-get", "sudo"}, False, "sudo apt-get update && sudo apt-get install -y libegl1"),
        ({"apt-get"}, False, "sudo apt-get update && sudo apt-get install -y libegl1"),
        ({"apt-get"}, True, r"apt-get failed \(E: broken\)"),
        (set(), True, "under Debian's names libegl1"),
    ],
    ids=["sudo asks for a password", "no sudo", "apt-get fails", "not Debian"],
)
def test_what_cant_be_installed_is_told(
    bootstrap: ModuleType,
    commands: Callable[..., list[list[str]]],
    programs: set[str],
    root: bool,
    sentence: str,
) -> None:
    commands(programs, root, lambda _: Done(1, stderr="E: broken\n"))
    with pytest.raises(bootstrap.Stop, match=sentence):
        bootstrap.install_system_packages(["libegl1"])


# --- the environment ------------------------------------------------------------------------------------------------


def _stamp(bootstrap: ModuleType, **changes: object) -> None:
    bootstrap.VENV.mkdir(exist_ok=True)
    stamp = {"fingerprint": bootstrap.fingerprint(), "extras": ["test"], **changes}
    bootstrap.STAMP.write_text(json.dumps(stamp))


@pytest.mark.parametrize("extras", [[], ["test"]])
def test_what_is_installed_is_not_installed_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, extras: list[str]
) -> None:
    _stamp(bootstrap)
    monkeypatch.setattr(bootstrap, "environment_works", lambda: True)
    monkeypatch.setattr(bootstrap, "packages_present", lambda: True)
    monkeypatch.setattr(bootstrap, "provide_libraries", lambda **_: None)
    monkeypatch.setattr(bootstrap, "install", lambda _: pytest.fail("installed again"))
    bootstrap.set_up(extras, window=True, xvfb=False)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: b.STAMP.unlink(),
        lambda b: b.STAMP.write_text("{"),
        lambda b: b.STAMP.write_text("[]"),
        lambda b: b.CONSTRAINTS.write_text("numpy==2.4.5"),
        lambda b: _stamp(b, extras=[]),
    ],
    ids=["interrupted", "half a stamp", "no stamp at all", "other versions", "without the tests"],
)
def test_what_changed_is_installed_again(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[ModuleType], object]
) -> None:
    _stamp(bootstrap)
    monkeypatch.setattr(bootstrap, "environment_works", lambda: True)
    monkeypatch.setattr(bootstrap, "packages_present", lambda: True)
    assert bootstrap.is_ready(["test"])
    spoil(bootstrap)
    assert not bootstrap.is_ready(["test"])


def test_extras_installed_before_are_kept(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _stamp(bootstrap, fingerprint="old")
    installed: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "environment_works", lambda: True)
    monkeypatch.setattr(bootstrap, "provide_libraries", lambda **_: None)
    monkeypatch.setattr(bootstrap, "install", installed.append)
    bootstrap.set_up([], window=True, xvfb=False)
    assert installed == [["test"]]


def _break_interpreter(bootstrap: ModuleType) -> None:
    bootstrap.PYTHON.unlink()
    bootstrap.PYTHON.write_text("not a program")


@pytest.mark.slow
@pytest.mark.parametrize(
    "spoil",
    [
        _break_interpreter,
        lambda b: shutil.rmtree(b.VENV / "lib"),
        lambda b: shutil.rmtree(next(b.VENV.glob("lib/*/site-packages/pip"))),
        lambda b: (shutil.rmtree(b.VENV), b.VENV.write_text("a file")),
        lambda b: (shutil.rmtree(b.VENV), b.VENV.symlink_to("/nowhere")),
    ],
    ids=["interpreter", "library", "pip", "a file", "a dead link"],
)
def test_a_broken_environment_is_found(bootstrap: ModuleType, spoil: Callable[[ModuleType], object]) -> None:
    """One is made with the pip of this environment, which is what `ensurepip` would unpack, only faster."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bootstrap.VENV)], check=True)
    site = next(bootstrap.VENV.glob("lib/*/site-packages"))
    (site / "pip").mkdir()
    (site / "pip" / "__init__.py").touch()
    assert bootstrap.environment_works()
    spoil(bootstrap)
    assert not bootstrap.environment_works()


@pytest.mark.slow
def test_an_environment_is_made_over_a_broken_one(bootstrap: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    bootstrap.VENV.symlink_to("/nowhere")
    bootstrap.make_environment()
    assert bootstrap.environment_works()
    assert not bootstrap.packages_present()
    assert "making the environment" in capsys.readouterr().out


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def executed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """The commands that would have been run, with the variables set for them."""
    ran: list[tuple[list[str], dict[str, str]]] = []

    def execute(command: list[object], cwd: object = None, env: dict[str, str] | None = None) -> int:
        ran.append(([str(word) for word in command[1:]], env or {}))
        return 0

    monkeypatch.setattr(bootstrap, "set_up", lambda extras, **_: None)
    monkeypatch.setattr(bootstrap, "execute", execute)
    return ran


def test_run_opens_the_window(
    bootstrap: ModuleType, executed: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    assert bootstrap.main(["run", "a b.safetensors"]) == 0
    assert executed[0][0] == ["-m", "nnscope", "a b.safetensors"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_run_without_a_display_renders(
    bootstrap: ModuleType,
    executed: list[tuple[list[str], dict[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert bootstrap.main(["run"]) == 0
    assert executed[0][0][:4] == ["-m", "nnscope", "render", "demo:digits-cnn"]
    assert executed[0][0][-2:] == ["-o", "nnscope-demo.png"]
    assert "there is no display" in capsys.readouterr().out


def test_the_demo_has_the_tensor_that_is_rendered(bootstrap: ModuleType) -> None:
    data = (ROOT / "assets" / "models" / f"{bootstrap.DEMO.removeprefix('demo:')}.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert bootstrap.DEMO_ADDRESS in header


@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no Xvfb")
@pytest.mark.parametrize("display", ["", ":7"], ids=["no display", "a display"])
def test_tests_run_on_displays_of_their_own_that_are_ended(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(bootstrap, "set_up", lambda extras, **_: None)
    monkeypatch.setattr(bootstrap, "workers", lambda: 2)
    seen = []

    def execute(command: list[object], env: dict[str, str], **_: object) -> int:
        displays = env["NNSCOPE_TEST_DISPLAYS"].split()
        assert (env["DISPLAY"], len(set(displays)), ":7" in displays) == (displays[0], 2, False)
        assert env["PYTHONDONTWRITEBYTECODE"] == ""
        assert all(os.path.exists(f"/tmp/.X11-unix/X{name[1:]}") for name in displays)
        seen.append(command[1:])
        return status.pop(0)

    monkeypatch.setattr(bootstrap, "execute", execute)
    status = [1, 0]
    assert bootstrap.main(["test"]) == 1  # that the servers have ended is the guards' to see
    together = ["-m", "pytest", "-n", "2", "--dist", "loadfile", "--ignore=tests/gui"]
    assert seen == [together, ["-m", "pytest", "tests/gui"]]
    seen.clear()
    status = [0]
    assert bootstrap.main(["test", "-k", "nothing"]) == 0
    assert seen == [["-m", "pytest", "-k", "nothing"]]


def test_arguments_go_to_pytest(
    bootstrap: ModuleType, executed: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    bootstrap.main(["test", "-x", "tests/core"])
    command, variables = executed[0]
    assert command == ["-m", "pytest", "-x", "tests/core"]
    assert variables["LIBGL_ALWAYS_SOFTWARE"] == "1"
    assert "DISPLAY" not in variables


def test_variables_that_lead_elsewhere_are_dropped(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "1")
    kept = bootstrap.environment({"DISPLAY": ":3"})
    assert not {"PYTHONPATH", "PIP_USER"} & set(kept)
    assert kept["DISPLAY"] == ":3"


def test_the_end_is_one_sentence(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_: list[str]) -> int:
        raise bootstrap.Stop("the disk is full: free 4 GB.")

    monkeypatch.setattr(bootstrap, "run", stop)
    assert bootstrap.main(["run"]) == 1
    assert capsys.readouterr().err == "nnscope: the disk is full: free 4 GB.\n"
