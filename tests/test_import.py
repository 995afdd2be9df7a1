"""Importing rgnet is quick and loads nothing heavy; imports keep their direction."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import rgnet

SOURCE = Path(rgnet.__file__).parent
HEAVY = ("torch", "openvino", "matplotlib", "PIL", "pyarrow", "typer")

# Package or module -> the parts of rgnet that it may import, besides itself and LOWEST. cli may import everything.
LOWEST = {"atomic", "errors", "paths", "previews", "results", "text"}
MAY_IMPORT = {
    "errors": set(),
    "results": set(),
    "text": set(),
    "paths": set(),
    "previews": set(),
    "atomic": set(),
    "architecture": set(),
    "imaging": set(),
    "weights": {"architecture", "imaging"},
    "model": {"architecture", "imaging"},
    "engines": {"model", "weights"},
    "faces": set(),
    "scorer": {"engines", "imaging", "weights"},
    "what_if": {"imaging", "scorer"},
    "explanation": {"engines", "imaging", "scorer", "weights", "what_if"},
    "quantize": {"datasets", "engines", "evaluation", "imaging", "scorer", "weights"},
    "export": {"architecture", "engines", "model", "rgnet", "scorer", "weights"},
    "outputs": {"explanation", "what_if"},
    "xmp": {"imaging"},
    "integrations": {"imaging", "scorer", "weights"},
    "catalogue": {"imaging", "scorer", "weights"},
    "culling": {"catalogue", "faces", "imaging", "scorer", "weights"},
    "page": {"catalogue", "culling", "explanation", "imaging", "rgnet", "scorer", "weights"},
    "service": {
        "catalogue",
        "culling",
        "explanation",
        "faces",
        "imaging",
        "page",
        "rgnet",
        "scorer",
        "weights",
        "what_if",
        "xmp",
    },
    "taste": {"catalogue", "evaluation", "weights"},
    "cluster": {"imaging", "outputs", "rgnet", "scorer", "weights"},
    "datasets": {"imaging", "weights"},
    "evaluation": {
        "culling",
        "datasets",
        "engines",
        "explanation",
        "imaging",
        "rgnet",
        "scorer",
        "weights",
        "what_if",
    },
    "training": {"architecture", "datasets", "evaluation", "export", "imaging", "model", "scorer", "weights"},
    "reproduce": {
        "datasets",
        "engines",
        "evaluation",
        "explanation",
        "imaging",
        "model",
        "scorer",
        "training",
        "weights",
    },
}


def test_importing_rgnet_loads_nothing_heavy_and_takes_a_fifth_of_a_second_of_processor_time():
    code = (
        "import time; start = time.process_time(); import rgnet; spent = time.process_time() - start\n"
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
    forbidden = used - MAY_IMPORT[room] - LOWEST - {room}
    assert not forbidden, f"{room} may not import {sorted(forbidden)}"


def test_no_import_goes_round_in_a_circle():
    """Imports inside functions count too; those that only type checkers see do not."""
    modules = {module_name(path): path for path in SOURCE.rglob("*.py")}
    graph = {name: imported_modules(path, modules.keys()) - {name} for name, path in modules.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as problem:
        pytest.fail(" -> ".join(reversed(problem.args[1])))


def test_scoring_outputs_and_exams_need_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import rgnet.scorer, rgnet.outputs.tables, rgnet.outputs.figures, rgnet.outputs.maps\n"
        "import rgnet.engines.openvino, rgnet.cli\n"
        "import rgnet.evaluation.report, rgnet.evaluation.compare, rgnet.evaluation.stability\n"
        "import rgnet.catalogue.scan, rgnet.catalogue.queries, rgnet.cluster.run"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def module_name(path: Path) -> str:
    return ".".join(("rgnet", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


def imported_modules(path: Path, modules: Iterable[str]) -> set[str]:
    tree = ast.parse(path.read_text())
    unseen = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else str(node.module) for name in full}
    return found & set(modules)


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
