"""torch: CUDA, Apple's MPS, and the processor as the trainer computes."""

from __future__ import annotations

import numpy as np

from rgnet.errors import EngineError, need
from rgnet.modelfile import ModelFile

FAST = {"cuda": "bf16", "mps": "f16", "cpu": "f32"}


class TorchEngine:
    """Runs the model file's network in eager torch."""

    def __init__(self, model: ModelFile, device: str, *, precision: str, threads: int | None) -> None:
        torch = self.torch = need("torch", extra="torch", purpose="the torch engine")
        from rgnet.model import restored

        device = device or best_device(torch)
        if threads is not None:
            torch.set_num_threads(threads)
        kind = FAST[device.partition(":")[0]] if precision == "auto" else precision
        self.type = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[kind]
        self.name = f"torch-{device}-{kind}"
        network = restored(model.card.architecture, model.tensors)
        try:
            self.device = torch.device(device)
            self.network = network.eval().to(self.device, memory_format=torch.channels_last)
        except (RuntimeError, AssertionError) as problem:
            raise EngineError(f"torch cannot use the device {device!r}: {problem}") from problem
        mean, std = (
            torch.tensor(values, device=self.device).view(1, 3, 1, 1) * 255
            for values in (model.card.preprocess.mean, model.card.preprocess.std)
        )
        self.mean, self.std = mean, std

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        torch = self.torch
        with torch.inference_mode():
            image_B3HW = torch.from_numpy(pixels_BHWC).to(self.device).permute(0, 3, 1, 2)
            image_B3HW = (image_B3HW - self.mean) / self.std
            with torch.autocast(self.device.type, dtype=self.type, enabled=self.type != torch.float32):
                votes = self.network(image_B3HW)
            vote_BHWC = votes.vote_BNC.unflatten(1, votes.grid)
            return votes.image_BC.float().cpu().numpy(), vote_BHWC.float().cpu().numpy()


def best_device(torch) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
