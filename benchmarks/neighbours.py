"""rgnet's default model and other networks, on the same photos: `python benchmarks/neighbours.py [--json FILE]`.

Prints one table: photos/s over a folder of 12-megapixel JPEG files, photos/s of the network alone, peak memory,
and the rank correlation on AVA that was published for each. Every one runs in a process of its own on two cores; all
of them have their photos decoded and resized by rgnet, two at a time, so that the network makes the difference. The
neighbours run as they are offered, in eager torch and float32, batches of eight; random weights serve for timing.

NIMA and CLIP are built from timm (the extra "torch"). TOPIQ comes with pyiqa, which has many requirements: give it an
environment of its own and name its Python; without it, its rows say that they were not measured:

    python -m venv topiq && topiq/bin/pip install pyiqa . && python benchmarks/neighbours.py --pyiqa topiq/bin/python
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measure import CORES, describe_machine, use_two_cores, write_figures

BATCH, ROUNDS = 8, 3
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
ZERO = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
NIMA = "Talebi and Milanfar, NIMA, IEEE TIP 2018, table 1"
TOPIQ = "Chen et al., TOPIQ, IEEE TIP 2024"


def timm_network(name: str, **options) -> Callable:
    def build():
        import timm

        return timm.create_model(name, pretrained=False, **options)

    return build


def nima(name: str, **options) -> Callable:
    """The backbone with ten classes and a softmax: the shares of the ratings from 1 to 10."""

    def build():
        import torch

        return torch.nn.Sequential(timm_network(name, num_classes=10, **options)(), torch.nn.Softmax(dim=1))

    return build


def topiq(backbone: str, name: str, **options) -> Callable:
    """As pyiqa's own settings of `topiq_iaa` say, without fetching weights; it normalises by itself."""

    def build():
        from pyiqa.archs import topiq_arch

        create = topiq_arch.create_swin
        topiq_arch.create_swin = lambda kind, **given: create(kind, **(given | {"pretrained": False}))
        wanted = {"backbone_pretrain": False, "pretrained": False, "use_ref": False, "num_class": 10}
        return topiq_arch.CFANet(
            semantic_model_name=backbone, model_name=name, inter_dim=512, num_heads=8, **wanted, **options
        )

    return build


@dataclass(frozen=True)
class Neighbour:
    """size: (width, height) that a photo of 4:3 is resized to; srcc: published on AVA; pyiqa: needs it."""

    size: tuple[int, int]
    normalise: tuple[tuple[float, ...], tuple[float, ...]]
    build: Callable
    srcc: float | None
    source: str
    pyiqa: bool = False


NEIGHBOURS = {
    "NIMA MobileNet": Neighbour((224, 224), HALF, nima("mobilenetv1_100", pad_type="same"), 0.510, NIMA),
    "NIMA Inception-ResNet-v2": Neighbour(
        (299, 299), HALF, nima("inception_resnet_v2"), 0.612, f"{NIMA}, of Inception-v2; built as pyiqa does"
    ),
    "CLIP ViT-L/14 + linear": Neighbour(
        (224, 224), CLIP, timm_network("vit_large_patch14_clip_quickgelu_224", num_classes=1), None,
        "none was found for this head alone",
    ),
    "TOPIQ ResNet-50": Neighbour(
        (512, 384), ZERO, topiq("resnet50", "cfanet_iaa_ava_res50", test_img_size=384), None,
        "none was found for this backbone", True,
    ),
    "TOPIQ Swin-B": Neighbour(
        (384, 384), ZERO, topiq("swin_base_patch4_window12_384", "cfanet_iaa_ava_swin"), 0.791, TOPIQ, True
    ),
}  # fmt: skip
OURS = {"rgnet, default model": "auto", "rgnet, default model, int8": "int8"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument("--photos", type=Path, help="keep the 12-megapixel photos here for the next run")
    options.add_argument("--count", type=int, default=40, help="photos")
    options.add_argument("--pyiqa", help="a Python that has pyiqa and rgnet")
    options.add_argument("--one", choices=[*OURS, *NEIGHBOURS], help=argparse.SUPPRESS)
    chosen = options.parse_args()
    use_two_cores()
    if chosen.one:
        paths = sorted(chosen.photos.iterdir())
        found = ours(OURS[chosen.one], paths) if chosen.one in OURS else theirs(NEIGHBOURS[chosen.one], paths)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as scratch:
        figures = compare(chosen.photos or Path(scratch) / "photos", chosen.count, chosen.pyiqa)
    write_figures(chosen.json, figures)


def compare(folder: Path, count: int, pyiqa: str | None) -> dict:
    from photos import twelve_megapixels

    twelve_megapixels(folder, count)
    figures: dict = {"machine": describe_machine(), "photos": len(list(folder.iterdir())), "models": {}}
    print(f"{figures['machine']}; {figures['photos']} photos\n")
    print(
        "| | photos/s | network alone | peak memory | SRCC on AVA | source |\n|---|---|---|---|---|---|",
        flush=True,
    )
    for name in (*OURS, *NEIGHBOURS):
        python = pyiqa if name in NEIGHBOURS and NEIGHBOURS[name].pyiqa else sys.executable
        found = figures["models"][name] = published(name) | (
            measured(python, name, folder)
            if python
            else {"missing": "not measured: name a Python with --pyiqa"}
        )
        print(row(name, found), flush=True)
    return figures


def published(name: str) -> dict:
    if name in NEIGHBOURS:
        return {"ava_srcc": NEIGHBOURS[name].srcc, "source": NEIGHBOURS[name].source}
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    srcc = read_card(find_model(None)).metrics["test_srcc"]
    return {"ava_srcc": None, "source": f"trained on PARA, not evaluated on AVA; {srcc:.4f} on PARA's test"}


def measured(python: str, name: str, folder: Path) -> dict:
    command = [python, "-W", "ignore", __file__, "--one", name, "--photos", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:  # the other rows have taken long
        return {"missing": f"failed: {(done.stderr.splitlines() or ['no word'])[-1]}"}
    return json.loads(done.stdout.splitlines()[-1])


def row(name: str, found: dict) -> str:
    figures = (
        [found["missing"], "", ""]
        if "missing" in found
        else [f"{found['photos_per_s']}", f"{found['network_per_s']}", f"{found['peak_mb']} MB"]
    )
    srcc = "" if found["ava_srcc"] is None else f"{found['ava_srcc']:.3f}"
    return f"| {' | '.join([name, *figures, srcc, found['source']])} |"


def ours(precision: str, paths: list[Path]) -> dict:
    import numpy as np

    import rgnet

    scorer = rgnet.load(precision=precision, threads=CORES)
    size = scorer.preprocess.target(4000, 3000)
    pixels = np.stack([prepared(path, size) for path in paths])
    runs = (
        lambda: list(scorer.score_many(paths)),
        lambda: [scorer.engine.run(part) for part in parts(pixels)],
    )
    return rates(len(paths), *runs) | {"engine": scorer.engine_name}


def theirs(neighbour: Neighbour, paths: list[Path]) -> dict:
    import numpy as np
    import torch

    torch.set_num_threads(CORES)
    network = neighbour.build().eval()
    mean, std = (255 * torch.tensor(values).view(3, 1, 1) for values in neighbour.normalise)

    def run(pixels_BHW3) -> None:
        with torch.inference_mode():
            image_B3HW = torch.from_numpy(pixels_BHW3).permute(0, 3, 1, 2).float()
            answer = network((image_B3HW - mean) / std)
        assert len(answer) == len(pixels_BHW3) and bool(torch.isfinite(answer).all())

    def whole() -> None:
        waiting = []
        with ThreadPoolExecutor(CORES) as pool:
            for photo in pool.map(lambda path: prepared(path, neighbour.size), paths):
                waiting.append(photo)
                if len(waiting) == BATCH:
                    run(np.stack(waiting))
                    waiting.clear()
        if waiting:
            run(np.stack(waiting))

    pixels = np.stack([prepared(path, neighbour.size) for path in paths])
    return rates(len(paths), whole, lambda: [run(part) for part in parts(pixels)]) | {
        "engine": "torch-cpu-f32"
    }


def prepared(path: Path, size: tuple[int, int]):
    import numpy as np
    from PIL import Image

    from rgnet.imaging.decode import decode

    return np.array(decode(path, at_least=size).image.resize(size, Image.Resampling.BICUBIC))


def parts(pixels) -> Iterator:
    for start in range(0, len(pixels), BATCH):
        yield pixels[start : start + BATCH]


def rates(count: int, whole: Callable, network: Callable) -> dict:
    """Medians of ROUNDS runs and the slowest and fastest of them, and the peak memory of the process."""
    found = {}
    for name, work in (("photos", whole), ("network", network)):
        work()
        seconds = [seconds_of(work) for _ in range(ROUNDS)]
        found[f"{name}_per_s"] = round(count / median(seconds), 2)
        found[f"{name}_spread"] = [round(count / max(seconds), 2), round(count / min(seconds), 2)]
    return found | {"peak_mb": peak_mb()}


def seconds_of(work: Callable) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_mb() -> int:
    """Of this program alone: the kernel's other count goes on from the process that started it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("peak memory is read from Linux's /proc/self/status, which this system lacks")


if __name__ == "__main__":
    main()
