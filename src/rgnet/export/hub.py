"""A model in the layout of a model hub: weights, ONNX, settings, and a page with metadata.

README.md                  model card; its front matter is what hubs index: licence, tags, evaluation results
model.safetensors          the model file, byte for byte
model.onnx                 the network alone, for programs without rgnet
config.json                architecture and scale
preprocessor_config.json   how a photo becomes the network's input
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rgnet.atomic import make_writable_folder, replacing_files, write_bytes, write_text
from rgnet.errors import MissingExtra, SettingError, install_command
from rgnet.export.write import export_network
from rgnet.text import markdown_table
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile
from rgnet.weights.hub import WEIGHTS

_CONFIG, _PREPROCESSOR, _PAGE, _ONNX = "config.json", "preprocessor_config.json", "README.md", "model.onnx"
_TAGS = ["rgnet", "image-aesthetics", "image-quality-assessment", "photography"]
# Licences that hubs know by an id of their own, by what a card says
_LICENCES = {"Apache-2.0": "apache-2.0", "MIT": "mit", "CC0-1.0": "cc0-1.0", "CC-BY-4.0": "cc-by-4.0"}
_METRICS = {"srcc": "spearmanr", "plcc": "pearsonr", "accuracy": "accuracy"}
# Pillow's numbers of its kernels
_RESAMPLE = {"bilinear": 2, "bicubic": 3, "lanczos": 1}


def write_repository(file: ModelFile, folder: Path, *, force: bool) -> str | None:
    """Write the files into the folder, all of them or none; returns why there is no ONNX file, or None.

    file: as it was read from a file
    Raises SettingError where one of them exists already (unless `force`), OutputError, and EngineError of the ONNX
    file. What else is in the folder, such as a repository's history, stays.
    """
    for name in (WEIGHTS, _ONNX, _CONFIG, _PREPROCESSOR, _PAGE):
        if (folder / name).exists() and not force:
            raise SettingError(f"{folder / name} exists already: give another --output, or --force")
    make_writable_folder(folder)
    with replacing_files(folder / _PAGE) as partial:
        write_bytes(partial / WEIGHTS, Path(str(file.path)).read_bytes())
        lacking = _write_onnx(file, partial)
        for name, values in ((_CONFIG, _config(file.card)), (_PREPROCESSOR, _preprocessor(file.card))):
            write_text(partial / name, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
        write_text(partial / _PAGE, _page(file.card, has_onnx=lacking is None))
    return lacking


def _write_onnx(file: ModelFile, folder: Path) -> str | None:
    try:
        export_network(file, folder / _ONNX, "onnx", feed="normalised")
    except MissingExtra as missing:
        return str(missing)
    return None


def _config(card: ModelCard) -> dict[str, Any]:
    return {
        "model_type": "rgnet",
        "name": card.name,
        "hash": card.sha256,
        **card.architecture.to_dict(),
        "scale": asdict(card.scale),
        "precision": card.precision,
    }


def _preprocessor(card: ModelCard) -> dict[str, Any]:
    """In the words that hubs use for image processors, and rgnet's own where those have none."""
    preprocess = card.preprocess
    return {
        "do_resize": True,
        "size": {"height": preprocess.size, "width": preprocess.size},
        "resample": _RESAMPLE[preprocess.kernel],
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(preprocess.mean),
        "image_std": list(preprocess.std),
        "rgnet": preprocess.to_dict(),
    }


# --- the page --------------------------------------------------------------------------------------------


def _page(card: ModelCard, *, has_onnx: bool) -> str:
    front = "\n".join(f"{name}: {json.dumps(value)}" for name, value in _metadata(card).items())
    results = markdown_table(["result", "value"], card.plain_metrics.items())
    onnx = "`model.onnx` is the network alone; its metadata say how to feed it.\n" if has_onnx else ""
    return f"""---
{front}
---

# {card.name}

Scores how beautiful a photograph is, from {card.scale.low:g} to {card.scale.high:g}, and shows which regions carry the
score. Rated by {card.scale.people}.

**Licence of these weights: {card.licence}.** {card.notice}

## Use

Install rgnet ({install_command("hub")}), then

```python
import rgnet

scorer = rgnet.load("OWNER/NAME")  # or the path of a copy of this folder
print(scorer.score("photo.jpg").score)
```

`model.safetensors` holds weights, model card and graph, and no code; rgnet checks it when it reads it (hash
`{card.sha256}`). {onnx}
## Evaluation

{results}

## Training

Data: {card.training.get("data", "not stated")}, {card.training.get("photos", "?")} photos.
"""


def _metadata(card: ModelCard) -> dict[str, Any]:
    known = _LICENCES.get(card.licence)
    licence = {"license": known} if known else {"license": "other", "license_name": _slug(card.licence)}
    results = [_result(card, name, value) for name, value in card.plain_metrics.items()]
    index = {"model-index": [{"name": card.name, "results": results}]} if results else {}
    return licence | {"library_name": "rgnet", "tags": _TAGS} | index


def _result(card: ModelCard, name: str, value: float) -> dict[str, Any]:
    split, _, metric = name.rpartition("_")
    data = str(card.training.get("data", "unknown"))
    return {
        "task": {"type": "image-aesthetics", "name": "Image aesthetics assessment"},
        "dataset": {"name": data, "type": _slug(data), "split": split or "unknown"},
        "metrics": [{"type": _METRICS.get(metric, metric), "name": name, "value": value}],
    }


def _slug(text: str) -> str:
    """As hubs want names: lower case letters, digits and hyphens."""
    words = "".join(char if char.isascii() and char.isalnum() else " " for char in text.lower()).split()
    return "-".join(words)[:64] or "unknown"
