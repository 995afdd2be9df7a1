"""What axe-core says of a page."""

from pathlib import Path

import pytest


def serious_problems(tab) -> list[str]:
    """What axe-core says against the page as it is now."""
    base = pytest.importorskip("axe_playwright_python.base", reason="needs axe-playwright-python")
    tab.evaluate((Path(base.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = tab.evaluate("axe.run()")["violations"]
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
