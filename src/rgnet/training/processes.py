"""Several processes as torchrun starts them, one per GPU or per share of a machine's cores.

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

_BARRIER_TIMEOUT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Processes:
    """rank: of this process among `world`, and `local_rank` among the `local` ones that share this machine."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local: int = 1

    @classmethod
    def from_environment(cls) -> Processes:
        if not distributed.is_torchelastic_launched():
            return cls()
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        return cls(*(int(os.environ[name]) for name in names))

    def trainer_settings(self) -> dict[str, Any]:
        """Arguments of Lightning's Trainer."""
        settings: dict[str, Any] = {
            "accelerator": "auto",
            "devices": self.local,
            "use_distributed_sampler": False,
        }
        if self.world > 1:
            settings |= {"strategy": _UnwrappedValidation(), "num_nodes": self.world // self.local}
        return settings


class _UnwrappedValidation(DDPStrategy):
    """Validates without DDP's wrapper, which would wait for a batch of every process: shares may differ by one."""

    def validation_step(self, *args: Any, **kwargs: Any) -> Any:
        assert self.lightning_module is not None
        with self.precision_plugin.val_step_context():
            return self.lightning_module.validation_step(*args, **kwargs)


@contextlib.contextmanager
def local_rank_zero_first(processes: Processes) -> Iterator[None]:
    """Let one process per machine do the work inside first; the others find it done."""
    if processes.world == 1:
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(processes.local_rank)
    if not distributed.is_initialized():
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    group = distributed.new_group(backend="gloo", timeout=_BARRIER_TIMEOUT)
    assert isinstance(group, distributed.ProcessGroup)
    if processes.local_rank:
        distributed.monitored_barrier(group, _BARRIER_TIMEOUT)
    yield
    if not processes.local_rank:
        distributed.monitored_barrier(group, _BARRIER_TIMEOUT)
