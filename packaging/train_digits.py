"""Make the shipped demo weights: ``python packaging/train_digits.py`` from the repository's root.

Writes ``assets/models/digits.npz`` (scikit-learn's digits with a held-out part), then trains both models of the plugin
``digits`` and writes their weights with the accuracy on the held-out images, the split and the seed in the metadata.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nnscope.core.plugins import loaded_plugins  # noqa: E402

SEED = 0
MODELS = ROOT / "assets" / "models"


def write_digits(path: Path) -> None:
    """Write images (uint8, 1797 × 8 × 8), digits and the indices of the held-out images."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    _, held_out = train_test_split(np.arange(len(digits.target)), test_size=360, random_state=0, stratify=digits.target)
    arrays = {
        "images": digits.images.astype(np.uint8),
        "digits": digits.target.astype(np.uint8),
        "held_out": np.sort(held_out).astype(np.int16),
    }
    with zipfile.ZipFile(
        path, "w", zipfile.ZIP_DEFLATED
    ) as file:  # fixed dates, so that the same input gives the same bytes
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy"), buffer.getvalue(), zipfile.ZIP_DEFLATED, 9)


def train_model(name: str, model: torch.nn.Module, epochs: int, rate: float) -> None:
    """Train ``model`` and write its weights as ``name``."""
    from nnscope_plugins.digits.data import SPLIT
    from nnscope_plugins.digits.training import Recipe, accuracy, train

    for status in train(model, SEED, Recipe(epochs=epochs, rate=rate)):
        print(f"\r{name}: epoch {status['epoch']} of {epochs}, loss {status['loss']:.4f}", end="")
    measured = accuracy(model.eval())
    print(f"\r{name}: {measured:.4f} of the held-out images after {epochs} epochs ")
    metadata = {
        "format": "pt",
        "accuracy": repr(measured),
        "data": "scikit-learn load_digits",
        "split": SPLIT,
        "seed": str(SEED),
        "epochs": str(epochs),
        "script": "packaging/train_digits.py",
    }
    path = MODELS / f"{name}.safetensors"
    save_file(model.state_dict(), path, metadata)
    path.chmod(0o644)  # safetensors writes files that only their owner may read


def main() -> None:
    """Write the data and both models."""
    MODELS.mkdir(parents=True, exist_ok=True)
    write_digits(MODELS / "digits.npz")
    loaded_plugins()
    from nnscope_plugins.digits.cnn import DigitsCnn
    from nnscope_plugins.digits.vit import DigitsVit

    torch.manual_seed(SEED)
    train_model("digits-cnn", DigitsCnn(), epochs=40, rate=3e-3)
    train_model("digits-vit", DigitsVit(), epochs=100, rate=2e-3)


if __name__ == "__main__":
    main()
