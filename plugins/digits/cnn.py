"""A residual CNN for 8 × 8 images (He et al. 2016, "Deep residual learning for image recognition")."""

# mypy: disallow-subclassing-any=False
# (torch is not followed by mypy here: its modules are Any to it)

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut, which is a 1 × 1 convolution where the shape changes."""

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        same = stride == 1 and channels_in == channels_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """x: [batch, channels_in, h, w] → [batch, channels_out, h / stride, w / stride]."""
        y = self.relu1(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        result: Tensor = self.relu2(y + self.shortcut(x))
        return result


class DigitsCnn(nn.Module):
    """Stem, three residual blocks of 16, 32 and 64 channels, mean over the image, and a linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.block1 = Block(16, 16)
        self.block2 = Block(16, 32)
        self.block3 = Block(32, 64, stride=2)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """images: [batch, 1, 8, 8] in −1–1 → logits [batch, 10]."""
        x = self.stem(images)  # [batch, 16, 8, 8]
        x = self.block3(self.block2(self.block1(x)))  # [batch, 64, 4, 4]
        logits: Tensor = self.head(torch.flatten(self.pool(x), 1))
        return logits
