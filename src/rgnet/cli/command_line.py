"""The command as it was typed, for a model card or a report that others will read."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def shareable_command() -> str:
    """Of an absolute path only the last part, for it names a private folder."""
    return " ".join(["rgnet", *map(_shareable, sys.argv[1:])])


def _shareable(word: str) -> str:
    return shlex.quote(Path(word).name if Path(word).is_absolute() else word)
