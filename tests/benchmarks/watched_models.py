"""The models of row ``capture``: a CNN of the size of ResNet-18 (He et al. 2016), and a GPT-2 of 6 layers of 384."""

from __future__ import annotations

import torch
from torch import Tensor, nn

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels, stride


class BasicBlock(nn.Module):
    """Two convolutions beside a skip connection, with activations in place as usual."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


def resnet18() -> nn.Module:
    """11.7 M parameters, random; 224 × 224 pixels."""
    torch.manual_seed(0)
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    layers.append(nn.MaxPool2d(3, 2, 1))
    inside = 64
    for out, stride in STAGES:
        layers += [BasicBlock(inside, out, stride), BasicBlock(out, out, 1)]
        inside = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)).eval()


def gpt2() -> nn.Module:
    """6 layers of 384 with the vocabulary of GPT-2, random; 256 tokens."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(n_layer=6, n_embd=384, n_head=6, n_positions=256, use_cache=False)).eval()


def leaves(model: nn.Module) -> frozenset[str]:
    """Paths of the modules that have none inside."""
    return frozenset(path for path, module in model.named_modules() if not any(module.children()))
