#!/usr/bin/env python3
"""Two commands that do all the set-up on a machine with only Python and git.

    python3 packaging/bootstrap.py run [PATH...]      open the window on PATH, or on the demo
    python3 packaging/bootstrap.py test [ARGUMENT...] run the test suite; arguments go to pytest

Both make the environment `.venv` in the checkout, install nnscope there with the versions of
`packaging/constraints.txt`, and see to the system libraries of Qt and OpenGL: on Debian and Ubuntu they are installed
when that needs no password, elsewhere the command to run is printed. A stamp in `.venv` holds a hash of what was
installed, so the second time takes seconds. What goes wrong ends with one sentence.

Standard library only; this file must be readable by old Pythons, so that they can be told that they are too old.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OLDEST, NEWEST = (3, 11), (3, 13)
WINDOW_TESTS = "tests/gui"
MOST_WORKERS = 4  # processes that run tests side by side
FREE_SPACE = 4 * 2**30  # bytes for Qt, PyTorch's CPU build and what pip downloads; its CUDA build takes twice that

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "nnscope-setup.json"
PIP_LOG = VENV / "nnscope-pip.log"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
WINDOWS = sys.platform == "win32"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")

DEMO = "demo:digits-cnn"
DEMO_ADDRESS = "stem.0.weight"  # the first weights of the demo network
DEMO_PICTURE = "nnscope-demo.png"

# What would send pip's work elsewhere than into .venv, or Python's imports out of it.
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV")

# Fragments of pip's messages → what to tell.
_PIP_FAILURES = {
    ("No space left on device", "Errno 28"): "the disk is full: free 10 GB (4 where pip finds a CPU build of PyTorch)",
    (
        "NewConnectionError", "NameResolutionError", "Temporary failure in name resolution", "Network is unreachable",
        "ConnectTimeoutError", "ReadTimeoutError", "ProxyError", "SSLError",
    ): "the package index can't be reached: connect to the network (or set pip's proxy) and run this again",
}  # fmt: skip


class Stop(Exception):  # noqa: N818 - an end, told to the user
    """The set-up can't go on; the message is one sentence that says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands; the exit status is that of the program or of pytest."""
    commands = {"run": run, "test": test}
    if not arguments or arguments[0] not in commands:
        asked = bool(arguments) and arguments[0] in ("-h", "--help")
        print((__doc__ or "").strip(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    try:
        check_python()
        return commands[arguments[0]](list(arguments[1:]))
    except Stop as stop:
        print(f"nnscope: {stop}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nnscope: interrupted; the same command goes on from here.", file=sys.stderr)
        return 130


def run(paths: list[str]) -> int:
    """Open the window on ``paths`` or the demo, or render the demo's first picture where there is no display."""
    shown = has_display()
    set_up([], window=shown, xvfb=False)
    if shown:
        say("opening the window")
        return execute([PYTHON, "-m", "nnscope", *(paths or [DEMO])])
    say(f"there is no display: rendering the demo's first picture to {DEMO_PICTURE} instead of opening a window")
    status = execute([PYTHON, "-m", "nnscope", "render", DEMO, DEMO_ADDRESS, "-o", DEMO_PICTURE])
    if status == 0 and paths:
        say("`nnscope info PATH` and `nnscope render PATH ADDRESS` need no display either")
    return status


def test(arguments: list[str]) -> int:
    """Run the test suite, each process on a virtual display of its own where Xvfb is.

    All of it runs by a few processes at once, but for the tests of the window, which come last and alone: they wait for
    what Qt does in its own time. With arguments for pytest there is one process, which gets them.
    """
    virtual = sys.platform == "linux" and (not has_display() or shutil.which("Xvfb") is not None)
    set_up(["test"], window=True, xvfb=virtual)
    with contextlib.ExitStack() as stack:
        displays = [stack.enter_context(virtual_display()) for _ in range(workers() if virtual else 0)]
        say("running the tests")
        # The software driver: its pixels are the same on every machine.
        variables = {"LIBGL_ALWAYS_SOFTWARE": "1", "__GLX_VENDOR_LIBRARY_NAME": "mesa", **on_displays(displays)}
        variables["PYTHONDONTWRITEBYTECODE"] = ""  # many processes import nnscope: one of them compiles it
        pytest: list[str | Path] = [PYTHON, "-m", "pytest"]
        if arguments or len(displays) < 2:
            return execute([*pytest, *arguments], cwd=ROOT, env=variables)
        parallel = ["-n", str(len(displays)), "--dist", "loadfile", f"--ignore={WINDOW_TESTS}"]
        # The processes fill the CPUs: threads of theirs would only wait for each other.
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        first = execute([*pytest, *parallel], cwd=ROOT, env=variables | threads)
        return execute([*pytest, WINDOW_TESTS], cwd=ROOT, env=variables) or first


def workers() -> int:
    """Processes that share the tests: one for each CPU, and few, for each holds Qt, PyTorch and SciPy."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cpus, MOST_WORKERS)


def on_displays(displays: list[str]) -> dict[str, str]:
    """The variables that lead to the first display, and pytest's processes each to its own (tests/conftest.py)."""
    if not displays:
        return {}
    qt = {"QT_QPA_PLATFORM": "xcb", "XDG_SESSION_TYPE": "x11", "WAYLAND_DISPLAY": ""}
    return {"DISPLAY": displays[0], "NNSCOPE_TEST_DISPLAYS": " ".join(displays), **qt}


def set_up(extras: list[str], *, window: bool, xvfb: bool) -> None:
    """Make everything ready: system libraries, environment, packages."""
    if sys.platform == "linux":
        provide_libraries(window=window, xvfb=xvfb)
    if is_ready(extras):
        say("the environment is ready")
        return
    check_disk()
    if not environment_works():
        make_environment()
    install(sorted({*extras, *installed_extras()}))


# --- the machine ----------------------------------------------------------------------------------------------------


def check_python() -> None:
    """Stop unless this Python is one that nnscope runs on."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    other = next((name for minor in (13, 12, 11) if shutil.which(name := f"python3.{minor}")), None)
    remedy = f"run `{other} packaging/bootstrap.py` instead" if other else "install one of these"
    raise Stop(f"Python {sys.version.split()[0]} can't run nnscope, which needs 3.11 to 3.13: {remedy}.")


def check_disk() -> None:
    """Stop if what is to be installed won't fit, or the checkout can't be written."""
    if not os.access(ROOT, os.W_OK):
        raise Stop(f"{ROOT} can't be written, and the environment goes there: use a checkout of your own.")
    free = shutil.disk_usage(ROOT).free
    if free < FREE_SPACE:
        need, have = FREE_SPACE / 2**30, free / 2**30
        raise Stop(
            f"the environment needs {need:.0f} GB in {ROOT} and {have:.1f} GB are free: make room and try again."
        )


def has_display() -> bool:
    """Whether a window could be seen."""
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def provide_libraries(*, window: bool, xvfb: bool) -> None:
    """Install the system libraries that are missing, or stop with the command that does."""
    missing = missing_packages(window=window, xvfb=xvfb)
    if not missing:
        return
    install_system_packages(missing)
    if left := missing_packages(window=window, xvfb=xvfb):
        raise Stop(f"system libraries are still missing after installing their packages ({' '.join(left)}).")


def missing_packages(*, window: bool, xvfb: bool) -> list[str]:
    """Debian's packages of the libraries that can't be loaded; of Python's own parts, the one that makes environments.

    What Qt and OpenGL load is known to `nnscope.native`, which needs nothing but the standard library either.
    """
    sys.path.insert(0, str(ROOT))
    from nnscope import native

    sys.path.remove(str(ROOT))
    libraries = native.missing_libraries(native.OFFSCREEN) + native.missing_drivers()
    if window:
        libraries += native.missing_libraries(native.window_libraries())
    packages = native.packages(libraries)
    if xvfb and shutil.which("Xvfb") is None:
        packages.append("xvfb")
    if not PYTHON.exists() and importlib.util.find_spec("ensurepip") is None:
        packages.append(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv")
    return packages


def install_system_packages(packages: list[str]) -> None:
    """Install Debian packages if that needs no password."""
    command = f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise Stop(f"system packages are missing, under Debian's names {' '.join(packages)}: install your system's.")
    prefix = root_prefix()
    if prefix is None:
        raise Stop(f"system packages are missing; install them with:  {command}")
    say(f"installing system packages: {' '.join(packages)}")
    quiet = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    steps = (["update"], ["install", "-y", "--no-install-recommends", *packages])
    for step in steps:
        done = subprocess.run([*quiet, *step], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode and step is not steps[0]:  # an old list of packages may still do
            raise Stop(f"apt-get failed ({last_line(done.stderr)}); try yourself:  {command}")


def root_prefix() -> list[str] | None:
    """What to write before a command to run it as root; None if that would need a password."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    if shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True).returncode == 0:
        return sudo
    return None


# --- the environment ------------------------------------------------------------------------------------------------


def is_ready(extras: list[str]) -> bool:
    """Whether `.venv` works and holds what this checkout wants."""
    stamp = read_stamp()
    fresh = stamp.get("fingerprint") == fingerprint() and set(extras) <= set(stamp.get("extras", []))
    return fresh and environment_works() and packages_present()


def fingerprint() -> str:
    """A hash of all that decides what is installed."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), CONSTRAINTS.read_bytes()]
    parts += [repr(sys.version_info[:2]).encode(), str(ROOT).encode()]  # an editable install points at its checkout
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp() -> dict[str, Any]:
    """What was installed, as far as it was finished."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def installed_extras() -> list[str]:
    """The extras that were installed before, to be kept."""
    return [str(extra) for extra in read_stamp().get("extras", [])]


def environment_works() -> bool:
    """Whether `.venv` starts, is of this Python's version, and has pip."""
    script = "import sys, pip; print(sys.version_info[:2])"
    return ask_environment(script) == str(sys.version_info[:2])


def packages_present() -> bool:
    """Whether nnscope is this checkout and everything it requires is still there."""
    script = """
import importlib.metadata, importlib.util, re, pathlib
required = importlib.metadata.requires("nnscope")
for line in required:
    if "extra ==" not in line:
        importlib.metadata.distribution(re.match(r"[\\w.-]+", line)[0])
print(pathlib.Path(importlib.util.find_spec("nnscope.core").origin).parents[2])
"""
    return ask_environment(script) == str(ROOT)


def ask_environment(script: str) -> str:
    """What a few lines of Python print inside `.venv`; empty if they fail."""
    try:
        command = [str(PYTHON), "-I", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=VENV)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def make_environment() -> None:
    """Make `.venv` anew, whatever was there."""
    say("making the environment .venv" if not VENV.exists() else "making the environment .venv anew")
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, env=environment({})
    )
    if done.returncode:
        raise Stop(f"Python could not make an environment in {VENV}: {last_line(done.stdout + done.stderr)}")


def install(extras: list[str]) -> None:
    """Install nnscope into `.venv` from this checkout, with pinned versions."""
    STAMP.unlink(missing_ok=True)
    name = f"nnscope[{','.join(extras)}]" if extras else "nnscope"
    say(f"installing {name} with pinned versions; the first time this takes minutes")
    pip("install", "setuptools")
    pip("install", "--no-build-isolation", "-e", f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT))
    STAMP.write_text(json.dumps({"fingerprint": fingerprint(), "extras": extras}))
    say("installed")


def pip(*arguments: str) -> None:
    """Run pip in `.venv`: with its own progress on a terminal, else with a line now and then."""
    terminal = sys.stdout.isatty()
    options = ["--disable-pip-version-check", "--no-input", "--log", str(PIP_LOG), "-c", str(CONSTRAINTS)]
    PIP_LOG.unlink(missing_ok=True)
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", *arguments, *options],
        stdin=subprocess.DEVNULL,
        stdout=None if terminal else subprocess.DEVNULL,
        stderr=None if terminal else subprocess.DEVNULL,
        env=environment({}),
        cwd=ROOT,
    )
    with ended(process):
        follow(process, quiet=terminal)
    if process.returncode:
        raise Stop(f"{pip_failure(read_log())}; the whole story is in {PIP_LOG}.")


def follow(process: subprocess.Popen[bytes], *, quiet: bool) -> None:
    """Wait for pip and tell every ten seconds what it is at."""
    stage = "looking for packages"
    while True:
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            stage = pip_stage(read_log()) or stage
            if not quiet:
                say(f"  {stage}")
        else:
            return


def read_log() -> str:
    """The end of pip's log."""
    try:
        return PIP_LOG.read_text(errors="replace")[-20_000:]
    except OSError:
        return ""


def pip_stage(log: str) -> str:
    """The last thing in the log that means something to a reader; empty if there is none."""
    lines = [line.partition(" ")[2].strip() for line in log.splitlines()]  # without the time
    stages = [line for line in lines if line.startswith(("Collecting", "Downloading", "Building", "Installing coll"))]
    stage = stages[-1].partition(" (from")[0].partition("://")[0] if stages else ""
    if stage.startswith("Installing"):
        return f"Unpacking packages ({stage.count(',') + 1})"
    return stage[:100]


def pip_failure(log: str) -> str:
    """Why pip failed, in words."""
    for fragments, sentence in _PIP_FAILURES.items():
        if any(fragment in log for fragment in fragments):
            return sentence
    errors = [line.partition("ERROR:")[2].strip() for line in log.splitlines() if "ERROR:" in line]
    return f"pip could not install nnscope ({errors[0] if errors else 'no reason given'})"


# --- running --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def virtual_display() -> Iterator[str]:
    """A display that nobody sees, ended with the block; yields its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1200x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with ended(server), os.fdopen(read) as pipe:
        ready, _, _ = select.select([pipe], [], [], 20)
        number = pipe.readline().strip() if ready else ""
        if not number:
            raise Stop("the virtual display (Xvfb) did not start: look at what `Xvfb :99` says.")
        say(f"virtual display :{number}")
        yield f":{number}"


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the process on the way out, if it hasn't ended."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def execute(command: list[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> int:
    """Run a command to its end with our own input and output."""
    process = subprocess.Popen([str(word) for word in command], cwd=cwd, env=environment(env or {}))
    with ended(process):
        return process.wait()


def environment(more: dict[str, str]) -> dict[str, str]:
    """The variables of this process, less those that lead out of `.venv`, and ``more``."""
    return {**{name: value for name, value in os.environ.items() if name not in _MISLEADING}, **more}


def say(text: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _START:6.1f} s] {text}", flush=True)


def last_line(text: str) -> str:
    """The last line with something in it."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")


_START = time.monotonic()

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    sys.exit(main(sys.argv[1:]))
