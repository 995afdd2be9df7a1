"""Models in the layout of a model hub: a folder with model.safetensors, on disk or at huggingface.co.

model.safetensors is an rgnet model file as any other: it holds no code, and is checked when it is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from rgnet.errors import ModelNotFound, need

WEIGHTS = "model.safetensors"
_ID = re.compile(r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(@(?P<revision>[\w][\w./-]*))?")


def is_hub_id(model: str) -> bool:
    """Whether it reads as OWNER/NAME or OWNER/NAME@REVISION."""
    return _ID.fullmatch(model) is not None


def find_in_folder(folder: Path) -> Path:
    """The model file of a folder in this layout. Raises ModelNotFound."""
    file = folder / WEIGHTS
    if not file.is_file():
        raise ModelNotFound(f"{folder} holds no {WEIGHTS}: name the model file itself")
    return file


def fetch(model: str) -> Path:
    """The model file of a hub's repository: from the cache, and over the network what is not there or has changed.

    HF_HUB_OFFLINE=1 keeps it off the network. Raises ModelNotFound and MissingExtra.
    """
    found = _ID.fullmatch(model)
    assert found, model
    purpose = f"there is no file {model}; loading it from a model hub"
    hub = need("huggingface_hub", extra="hub", purpose=purpose)
    try:
        return Path(hub.hf_hub_download(found["repo"], WEIGHTS, revision=found["revision"]))
    except (OSError, ValueError) as problem:  # every error of the hub is one of them
        reason = " ".join(str(problem).split())[:200]
        raise ModelNotFound(
            f"there is no file {model}, and it cannot be had from huggingface.co ({reason}): "
            "check the name and the network, or give a path to a file"
        ) from problem
