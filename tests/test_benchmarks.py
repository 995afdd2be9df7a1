"""Benchmarks and examples follow the package: every name of rgnet that they import exists, and they compile."""

import ast
import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1]
SCRIPTS = sorted([*(FOLDER / "benchmarks").glob("*.py"), *(FOLDER / "examples").glob("*.py")])


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_name_that_it_imports_from_rgnet_exists(script):
    for node in ast.walk(ast.parse(script.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rgnet":
            module = importlib.import_module(node.module)
            missing = [alias.name for alias in node.names if not exists(module, alias.name)]
            assert not missing, f"{script.name} imports {missing} from {node.module}"


def exists(module, name):
    return hasattr(module, name) or importlib.util.find_spec(f"{module.__name__}.{name}") is not None
