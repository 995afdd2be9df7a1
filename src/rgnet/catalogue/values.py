"""Values of a row by name. A damaged catalogue may hold anything: another type raises TypeError."""

from __future__ import annotations

import math
import sqlite3
from typing import TypeVar

Value = TypeVar("Value", str, int, float, bytes)


def required(row: sqlite3.Row, name: str, kind: type[Value]) -> Value:
    value = row[name]
    if not isinstance(value, kind) or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError(f"{name}: expected {kind.__name__}, found {value!r:.40}")
    return value


def optional(row: sqlite3.Row, name: str, kind: type[Value]) -> Value | None:
    return None if row[name] is None else required(row, name, kind)


def hexadecimal(row: sqlite3.Row) -> str | None:
    """The row's sha256."""
    sha256 = optional(row, "sha256", bytes)
    return None if sha256 is None else sha256.hex()
