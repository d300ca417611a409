"""The images: scikit-learn's ``load_digits`` as a small file, with a fixed held-out part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nnscope.core.assets import assets_folder
from nnscope.core.registry import Samples

DATA = assets_folder() / "models" / "digits.npz"
SPLIT = "stratified, 360 of 1797 held out: train_test_split(test_size=360, random_state=0, stratify=target)"
OFFERED = 50  # held-out images offered as samples: five of each digit


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images and their digits.

    Attributes
    ----------
    images : ndarray of float32, shape (n, 1, 8, 8)
        Grey values scaled from 0–16 to −1–1.
    digits : ndarray of int64, shape (n,)
    """

    images: np.ndarray
    digits: np.ndarray


def training_part() -> Digits:
    """The 1437 images that models are trained on."""
    images, digits, held_out = _all()
    return _part(images, digits, np.setdiff1d(np.arange(len(images)), held_out))


def held_out_part() -> Digits:
    """The 360 images that no training has seen, in a fixed order."""
    return _part(*_all())


def samples() -> Samples:
    """Held-out images to run through a model, in the order 0–9, 0–9, …"""
    part, chosen = held_out_part(), _offered()
    labels = tuple(f"{part.digits[index]}  (held-out image {index})" for index in chosen)
    return Samples(labels, lambda i: (_tensor(part.images[chosen[i]][None]),))


def previews() -> np.ndarray:
    """What `samples` are pictures of, as grey values 0–255 [sample, row, column]."""
    images, _, held_out = _all()
    grey = images[held_out[_offered()]]  # 0–16
    pictures: np.ndarray = np.round(grey * (255 / 16)).astype(np.uint8)
    return pictures


def _offered() -> list[int]:
    """Places of the samples among the held-out images."""
    digits = held_out_part().digits
    by_digit = [np.flatnonzero(digits == digit)[: OFFERED // 10] for digit in range(10)]
    return [int(index) for round_ in zip(*by_digit, strict=True) for index in round_]


@cache
def _all() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(DATA, allow_pickle=False) as file:
        return file["images"], file["digits"], file["held_out"]


def _part(images: np.ndarray, digits: np.ndarray, chosen: np.ndarray) -> Digits:
    scaled = images[chosen, None].astype(np.float32) / 8 - 1  # [image, channel, row, column]
    return Digits(scaled, digits[chosen].astype(np.int64))


def _tensor(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(array)
