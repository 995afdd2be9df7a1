"""Importing rgnet is quick and loads nothing heavy; imports keep their direction."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rgnet

SOURCE = Path(rgnet.__file__).parent
HEAVY = ("torch", "openvino", "matplotlib", "PIL", "pyarrow", "typer")

# Room -> what of rgnet it may import. cli may import everything.
MAY_IMPORT = {
    "errors": (),
    "results": (),
    "architecture": ("errors",),
    "preprocess": ("errors",),
    "intake": (),
    "whole": (),
    "formats": ("errors",),
    "headers": ("errors",),
    "isolation": ("errors",),
    "library": (
        "errors",
        "explanation",
        "headers",
        "intake",
        "isolation",
        "modelfile",
        "page",
        "photo",
        "preprocess",
        "results",
        "rgnet",
        "scorer",
        "whole",
        "library",
    ),
    "colour": ("errors",),
    "photo": ("errors", "formats", "headers", "colour", "intake"),
    "model": ("architecture", "errors", "model"),
    "modelfile": ("architecture", "preprocess", "errors", "whole"),
    "export": ("rgnet", "engines", "errors", "model", "modelfile", "scorer", "export"),
    "engines": ("modelfile", "errors", "model", "engines"),
    "quantization": (
        "datasets",
        "engines",
        "evaluation",
        "intake",
        "modelfile",
        "scorer",
        "errors",
    ),
    "scorer": ("engines", "intake", "modelfile", "photo", "preprocess", "results", "errors", "rgnet"),
    "what_if": ("results", "scorer", "errors"),
    "explanation": ("engines", "photo", "results", "scorer", "what_if", "errors"),
    "outputs": ("explanation", "what_if", "results", "errors", "outputs"),
    "cluster": (
        "rgnet",
        "errors",
        "intake",
        "isolation",
        "modelfile",
        "outputs",
        "preprocess",
        "results",
        "scorer",
        "cluster",
    ),
    "page": ("results", "errors", "explanation", "page"),
    "service": (
        "rgnet",
        "errors",
        "explanation",
        "formats",
        "intake",
        "isolation",
        "library",
        "modelfile",
        "page",
        "photo",
        "preprocess",
        "results",
        "scorer",
        "service",
    ),
    "datasets": ("photo", "intake", "preprocess", "errors", "datasets"),
    "training": (
        "model",
        "datasets",
        "architecture",
        "preprocess",
        "modelfile",
        "export",
        "errors",
        "training",
    ),
    "evaluation": (
        "rgnet",
        "datasets",
        "engines",
        "explanation",
        "model",
        "modelfile",
        "photo",
        "preprocess",
        "results",
        "scorer",
        "training",
        "errors",
        "whole",
        "evaluation",
    ),
}


def test_importing_rgnet_loads_nothing_heavy_within_a_fifth_of_a_second():
    code = (
        "import time; start = time.perf_counter(); import rgnet; spent = time.perf_counter() - start\n"
        f"import sys; print(spent, [name for name in {HEAVY} if name in sys.modules])"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    spent, loaded = min(run.stdout for run in runs).split(maxsplit=1)
    assert loaded.strip() == "[]"
    assert float(spent) < 0.2


def test_openvino_is_kept_from_reporting_its_use():
    code = (
        "import rgnet.engines.openvino, sys\n"
        "print([name for name, module in sys.modules.items() if module and 'openvino_telemetry' in name])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_every_public_name_resolves():
    for name in rgnet.__all__:
        assert getattr(rgnet, name) is not None
    assert set(rgnet.__all__) <= set(dir(rgnet))
    with pytest.raises(AttributeError, match="module 'rgnet' has no attribute 'scroe'"):
        rgnet.scroe  # noqa: B018


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_keep_their_direction(path):
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if room in ("cli", "__init__", "__main__"):
        return
    used = {
        name.split(".")[1] if "." in name else name
        for name in imported(path)
        if name.split(".")[0] == "rgnet"
    }
    assert used <= set(MAY_IMPORT[room]), f"{room} may not import {sorted(used - set(MAY_IMPORT[room]))}"


def test_scoring_outputs_and_exams_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import rgnet.scorer, rgnet.outputs.table, rgnet.outputs.heatmap, rgnet.outputs.maps\n"
        "import rgnet.engines.openvino, rgnet.cli\n"
        "import rgnet.evaluation.report, rgnet.evaluation.compare, rgnet.evaluation.stability\n"
        "import rgnet.library.scan, rgnet.library.queries, rgnet.cluster.run"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "rgnet":
            names += [f"rgnet.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module)
    return names
