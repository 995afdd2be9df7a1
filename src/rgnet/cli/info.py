"""`rgnet info`: what a bug report needs."""

from __future__ import annotations

import importlib.util
import os
import platform

from rgnet.cli import options
from rgnet.cli.tables import print_facts

_PACKAGES = (
    *("openvino", "numpy", "pillow", "pillow-heif", "pillow-jxl-plugin", "safetensors"),
    *("torch", "torchvision", "timm", "lightning", "pyarrow"),
)


def info(as_json: options.AsJson = False) -> None:
    """Print versions, engines and folders: paste it into a bug report.

    Examples:
    $ rgnet info
    """
    import rgnet
    from rgnet.engines.registry import has_cuda
    from rgnet.paths import catalogue_file, model_folders
    from rgnet.weights.registry import available_models

    facts: dict[str, object] = {
        "rgnet": rgnet.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        "CPU cores": os.cpu_count(),
        "engines": ", ".join(name for name in ("openvino", "torch") if importlib.util.find_spec(name)),
        "CUDA": "yes" if has_cuda() else "no",
        "models": ", ".join(available_models()) or "none",
        "your models": _without_home(model_folders()[-1]),
        "catalogue": _without_home(catalogue_file()),
    }
    facts |= {name: _version(name) for name in _PACKAGES}
    print_facts(facts, as_json=as_json)


def _without_home(path: os.PathLike[str]) -> str:
    """Not whose machine it is: reports are public."""
    home = os.path.expanduser("~")  # noqa: PTH111 - shown, not opened
    return str(path).replace(home, "~", 1) if home != os.sep else str(path)


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
