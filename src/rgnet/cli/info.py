"""`rgnet info`: what a bug report needs."""

from __future__ import annotations

import importlib.util
import os
import platform

import typer

PACKAGES = (
    *("openvino", "numpy", "pillow", "pillow-heif", "pillow-jxl-plugin", "safetensors"),
    *("torch", "torchvision", "timm", "lightning", "pyarrow"),
)


def info() -> None:
    """Print versions, engines and folders: paste it into a bug report."""
    import rgnet
    from rgnet.engines import cuda_at_hand
    from rgnet.paths import model_folders
    from rgnet.weights.registry import available_models

    lines = {
        "rgnet": rgnet.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "engines": ", ".join(name for name in ("openvino", "torch") if importlib.util.find_spec(name)),
        "CUDA": "yes" if cuda_at_hand() else "no",
        "models": ", ".join(available_models()) or "none",
        "own models in": str(model_folders()[-1]).replace(os.path.expanduser("~"), "~"),  # noqa: PTH111 - shown, not opened
    }
    lines |= {name: version_of(name) for name in PACKAGES}
    for name, value in lines.items():
        typer.echo(f"{name:18} {value}")


def version_of(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
