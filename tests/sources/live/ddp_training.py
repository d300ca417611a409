"""Trainings of two processes on loopback, one after the other: ``python -m tests.sources.live.ddp_training``.

Arguments: rank, number of processes, file where they meet, and for each training ``ddp`` or ``shard`` and the folder of
its run, empty if it is not recorded.
"""

from __future__ import annotations

import sys

import torch
from torch import distributed, nn

import nnscope

STEPS = 6


def model(kind: str) -> nn.Module:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    if kind == "ddp":
        return nn.parallel.DistributedDataParallel(plain)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    return fully_shard(plain, mesh=init_device_mesh("cpu", (distributed.get_world_size(),)))


def main(rank: int, count: int, store: str, *trainings: str) -> None:
    """Train, and print the losses of each training in a line."""
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=count)
    for kind, run in zip(trainings[::2], trainings[1::2], strict=True):
        print(*train(rank, kind, run), flush=True)
    distributed.destroy_process_group()


def train(rank: int, kind: str, run: str) -> list[str]:
    """The losses of one training, to the bit."""
    trained = model(kind)
    optimizer = torch.optim.SGD(trained.parameters(), 0.1)
    watched = nnscope.watch(trained, run, every=1, attach=False) if run else None
    torch.manual_seed(100 + rank)
    losses = []
    for _ in range(STEPS):
        loss = trained(torch.randn(5, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item().hex())
        if watched is not None:
            watched.step(loss=loss)
    if watched is not None:
        watched.close()
    return losses


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
