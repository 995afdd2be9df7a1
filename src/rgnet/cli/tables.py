"""What commands print: a table for people on a terminal, named columns between tabs in a pipe, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import typer

from rgnet.text import escape_surrogates, printable


@dataclass(frozen=True, slots=True)
class Column:
    """name: heading, and the key of the row's value
    spec: how a number is formatted, such as ".3f"
    wrap: may be wrapped on a narrow terminal; other columns are never cut
    """

    name: str
    spec: str = ""
    wrap: bool = False
    justify: Literal["left", "right"] = "left"


def print_rows(
    columns: Sequence[Column], rows: Iterable[Mapping[str, object]], *, as_json: bool = False, title: str = ""
) -> None:
    """A row for each mapping. With `as_json`, each is an object on a line of its own, with all of its keys."""
    if as_json:
        for row in rows:
            print_json(row)
    elif sys.stdout.isatty():
        _draw_table(columns, list(rows), title)
    else:
        typer.echo("\t".join(column.name for column in columns))
        for row in rows:
            typer.echo("\t".join(_cell(row.get(column.name), column.spec) for column in columns))


def print_facts(facts: Mapping[str, object], *, as_json: bool = False) -> None:
    """A line for each fact that is not None, and for each item of a list; with `as_json` one object with all."""
    if as_json:
        print_json({name.lower().replace(" ", "_"): value for name, value in facts.items()})
        return
    lines = [(name, line) for name, value in facts.items() for line in _lines(value)]
    if not sys.stdout.isatty():
        lines.insert(0, ("field", "value"))
        typer.echo("\n".join(f"{name}\t{line}" for name, line in lines))
        return
    width = max((len(name) for name, _ in lines), default=0)
    for index, (name, line) in enumerate(lines):
        repeated = index > 0 and lines[index - 1][0] == name
        typer.echo(f"{'' if repeated else name:>{width}}  {line}")


def print_json(value: Mapping[str, object]) -> None:
    """One object on one line; bytes of file names that are not text become the escapes of JSON."""
    typer.echo(escape_surrogates(json.dumps(value, ensure_ascii=False)))


def _draw_table(columns: Sequence[Column], rows: Sequence[Mapping[str, object]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    if not rows:
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            column.name, justify=column.justify, no_wrap=not column.wrap, overflow="fold", header_style="bold"
        )
    for row in rows:
        table.add_row(*(_cell(row.get(column.name), column.spec) for column in columns))
    Console(markup=False, highlight=False).print(table)


def _cell(value: object, spec: str = "") -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(map(_cell, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(value, spec)
    return printable(str(value))


def _lines(value: object) -> list[str]:
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [_cell(item) for item in value]
    return [_cell(value, ".3f" if isinstance(value, float) else "")]
