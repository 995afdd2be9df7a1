"""torch: CUDA, Apple's MPS, and the processor as the trainer computes; eager, or compiled by Inductor."""

from __future__ import annotations

import threading

import numpy as np

from rgnet.engines.base import EngineStages, FeatureOutputs
from rgnet.errors import EngineError, need
from rgnet.weights.file import ModelFile

LEAST = 8
FAST = {"cuda": "bf16", "mps": "f16", "cpu": "f32"}


class TorchEngine:
    """Runs the model file's network in eager torch. Pixels reach the device as uint8, and are normalised there."""

    def __init__(self, model: ModelFile, device: str, *, precision: str, threads: int | None) -> None:
        torch = self.torch = need("torch", extra="torch", purpose="the torch engine")
        from rgnet.model import restored
        from rgnet.model.normalise import Normalise

        device = device or best_device(torch)
        if threads is not None:
            torch.set_num_threads(threads)
        if precision == "int8":
            raise EngineError("int8 runs on OpenVINO: leave --engine out, or ask for f32 or bf16")
        fast = FAST.get(device.partition(":")[0], "f32")
        if fast == "f16" and not model.card.architecture.bounded:
            fast = "f32"
        kind = fast if precision == "auto" else precision
        self.type = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[kind]
        self.name = f"torch-{device}-{kind}"
        network = restored(model.card.architecture, model.tensors)
        try:
            self.device = torch.device(device)
            self.network = network.eval().to(device=self.device).to(memory_format=torch.channels_last)
            self.scoring = self.network
        except (RuntimeError, AssertionError) as problem:
            raise EngineError(f"torch cannot use the device {device!r}: {problem}") from problem
        self.normalise = Normalise(model.card.preprocess).to(self.device)

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        votes = self.votes(pixels_BHWC)
        return plain(votes.image_BC), plain(votes.vote_BNC.unflatten(1, votes.grid))

    def run_with_features(self, pixels_BHWC: np.ndarray) -> FeatureOutputs:
        votes = self.votes(pixels_BHWC, explain=True)
        return FeatureOutputs(
            plain(votes.image_BC),
            plain(votes.vote_BNC.unflatten(1, votes.grid)),
            plain(votes.stages.fcn_BDHW.float().mean((2, 3))),
        )

    def stages(self, pixels_BHWC: np.ndarray) -> EngineStages:
        votes = self.votes(pixels_BHWC, explain=True)
        stages = votes.stages
        return EngineStages(
            plain(votes.image_BC),
            plain(votes.vote_BNC.unflatten(1, votes.grid)),
            plain(stages.fcn_BDHW.permute(0, 2, 3, 1)),
            plain(stages.context_BDHW.flatten(2).transpose(1, 2)),
            plain(stages.graph_BND),
            None if stages.affinity_BNN is None else plain(stages.affinity_BNN),
        )

    def votes(self, pixels_BHWC: np.ndarray, *, explain: bool = False):
        """The network's RegionVotes, on the device."""
        torch = self.torch
        with torch.inference_mode():
            image_B3HW = torch.from_numpy(pixels_BHWC).to(self.device).permute(0, 3, 1, 2)
            image_B3HW = self.normalise(image_B3HW)
            with torch.autocast(self.device.type, dtype=self.type, enabled=self.type != torch.float32):
                return self.network(image_B3HW, explain=True) if explain else self.scoring(image_B3HW)


class CompiledEngine(TorchEngine):
    """The same network through torch.compile, which joins what stands between two convolutions into one kernel.

    Every shape of a batch is compiled when it is first met, for up to minutes: this pays for many photos of one
    shape. Batches of fewer than LEAST photos are filled up, so that a last one is not compiled for itself. The first
    shape is compiled here, so that a missing compiler is said at once. No CUDA graphs: torch's belong to the thread
    that made them, and a scorer may be used from many. Stages and features come from the eager network.
    """

    def __init__(self, model: ModelFile, device: str, *, precision: str, threads: int | None) -> None:
        super().__init__(model, device, precision=precision, threads=threads)
        self.name = f"compiled-{self.name.removeprefix('torch-')}"
        self.lock = threading.Lock()
        self.scoring = self.torch.compile(self.network, dynamic=False)
        size = model.card.preprocess.size
        try:
            self.run(np.zeros((LEAST, size, size, 3), np.uint8))
        except RuntimeError as problem:
            raise EngineError(
                f"torch cannot compile for {self.device}: {str(problem).strip().splitlines()[0]}; "
                "it needs a C++ compiler, and Triton for a GPU: install those, or use --engine torch"
            ) from problem

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        count = len(pixels_BHWC)
        if count < LEAST:
            pixels_BHWC = np.pad(pixels_BHWC, ((0, LEAST - count), (0, 0), (0, 0), (0, 0)))
        with self.lock:
            image_BC, vote_BHWC = super().run(pixels_BHWC)
        return image_BC[:count], vote_BHWC[:count]


def plain(tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def best_device(torch) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
