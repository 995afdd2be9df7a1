"""Several processes, one a graphics card or a machine's share of its cores, as torchrun starts them.

    torchrun --nproc-per-node 4 -m rgnet train ...

Without torchrun there is one process, and nothing here does anything.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

PATIENCE = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Processes:
    """rank: of this process among `world`; local: how many of them share this machine, this one being `seat`."""

    rank: int = 0
    world: int = 1
    seat: int = 0
    local: int = 1

    @classmethod
    def found(cls) -> Processes:
        if not distributed.is_torchelastic_launched():
            return cls()
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        return cls(*(int(os.environ[name]) for name in names))

    def trainer(self) -> dict[str, Any]:
        """What Lightning's Trainer must know of them."""
        several = {"strategy": SharedExam(), "num_nodes": self.world // self.local} if self.world > 1 else {}
        return {"accelerator": "auto", "devices": self.local, "use_distributed_sampler": False} | several


class SharedExam(DDPStrategy):
    """Examines without DDP's wrapper, which would wait for a batch of every process: shares may differ by one."""

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        with self.precision_plugin.val_step_context():
            return self.lightning_module.validation_step(*args, **kwargs)


@contextlib.contextmanager
def one_first(processes: Processes) -> Iterator[None]:
    """Let one process of each machine do the work inside, and the others find it done."""
    if processes.world == 1:
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(processes.seat)
    if not distributed.is_initialized():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    line = distributed.new_group(backend="gloo", timeout=PATIENCE)
    if processes.seat:
        distributed.monitored_barrier(line, PATIENCE)
    yield
    if not processes.seat:
        distributed.monitored_barrier(line, PATIENCE)
