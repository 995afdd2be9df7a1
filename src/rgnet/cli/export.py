"""`rgnet export`: the catalogue, or a part of it, as a table."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write: .csv, .jsonl, .json or .parquet.")
    ],
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    min_score: options.MinScore = None,
    max_score: options.MaxScore = None,
    since: options.Day = None,
    until: options.LastDay = None,
    folder: options.Folder = None,
    errors: Annotated[bool, typer.Option("--errors", help="Only the photos without a score.")] = False,
) -> None:
    """Write the rows of the catalogue as `rgnet score --output` would: best first, then what could not be scored.

    With a filter by score or day, only scored photos are written.

    Example:  rgnet export --output best.csv --min-score 4
    """
    from rgnet.library.catalogue import Catalogue, default_file
    from rgnet.library.queries import best, failed
    from rgnet.outputs.table import open_table

    narrowed = any(value is not None for value in (min_score, max_score, since, until))
    with Catalogue.open(catalogue or default_file()) as opened:
        wanted = options.asked(opened, model, min_score, max_score, since, until, folder)
        scored = () if errors else best(opened, wanted)
        unscored = failed(opened, wanted) if errors or not narrowed else ()
        count = 0
        with open_table(output) as table:
            for record in itertools.chain(scored, unscored):
                table.write(record)
                count += 1
    typer.echo(f"wrote {count} rows to {output}", err=True)
