"""Two small classifiers of handwritten digits, really trained: ``demo:digits-cnn`` and ``demo:digits-vit``.

The images are the 1797 of scikit-learn's ``load_digits`` (8 × 8, grey values 0–16), shipped as `data.DATA` so that a
model process needs no scikit-learn; 360 of them are held out and were seen in no training. The samples offered in the
window are held-out images. Importing this package imports no torch: that is done by the factories.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscope.core.assets import assets_folder
from nnscope.core.registry import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import numpy as np

    from nnscope.core.registry import Registry, Samples

CLASSES = tuple("0123456789")


def register(registry: Registry) -> None:
    """Offer both models."""
    models = assets_folder() / "models"
    registry.add_model(
        "digits-cnn",
        ModelSpec(
            name="digits-cnn",
            title="Digits, convolutional",
            description="A residual CNN that reads handwritten digits. Press Train to watch it learn from scratch.",
            factory=_cnn,
            weights=models / "digits-cnn.safetensors",
            samples=_samples,
            classes=CLASSES,
            train=_train,
            previews=_previews,
        ),
    )
    registry.add_model(
        "digits-vit",
        ModelSpec(
            name="digits-vit",
            title="Digits, transformer",
            description="A small vision transformer with four heads: 16 patches of 2 × 2 pixels and a class token.",
            factory=_vit,
            weights=models / "digits-vit.safetensors",
            samples=_samples,
            classes=CLASSES,
            previews=_previews,
        ),
    )


def _cnn() -> Any:
    from .cnn import DigitsCnn
    from .weights import load_weights

    return load_weights(DigitsCnn(), "digits-cnn")


def _vit() -> Any:
    from .vit import DigitsVit
    from .weights import load_weights

    return load_weights(DigitsVit(), "digits-vit")


def _samples() -> Samples:
    from .data import samples

    return samples()


def _previews() -> np.ndarray:
    from .data import previews

    return previews()


def _train(model: Any, seed: int) -> Iterator[Mapping[str, Any]]:
    from .training import train

    return train(model, seed)
