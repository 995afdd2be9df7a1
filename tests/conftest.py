"""Fixtures of the whole test tree."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos beside the checkout; tests that need it are skipped, visibly, without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no shared/ folder beside the checkout ({folder})")
    return folder
