"""Where the files that ship with nnscope lie: inside the package in a wheel, beside it in a source tree."""

from __future__ import annotations

from pathlib import Path


def assets_folder() -> Path:
    """The folder of icons, trained demo weights and sample inputs."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "assets"
    return inside if inside.is_dir() else package.parent / "assets"
