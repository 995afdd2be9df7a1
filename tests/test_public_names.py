"""The public names of every module, held in golden/public_names.json: none appears, moves or vanishes unnoticed.

After a change that is meant:  python tests/test_public_names.py
"""

import ast
import json
from pathlib import Path

import rgnet

SOURCE = Path(rgnet.__file__).parent
GOLDEN = Path(__file__).parent / "golden" / "public_names.json"


def find_public_names() -> dict[str, list[str]]:
    """Functions and classes that each module defines, and what packages name in __all__."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        names = [
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        ]
        module = ".".join(("rgnet", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        if names:
            found[module] = sorted(names)
    return found | {"rgnet": sorted(rgnet.__all__)}


def test_public_names_are_those_that_were_agreed_on():
    agreed, found = json.loads(GOLDEN.read_text()), find_public_names()
    assert found.keys() == agreed.keys()
    for module, names in found.items():
        assert names == agreed[module], module


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(find_public_names(), indent=1) + "\n")
