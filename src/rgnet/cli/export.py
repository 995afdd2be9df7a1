"""`rgnet export`: the catalogue as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.cli.signals import explain_interrupt
from rgnet.results import Record

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.records import PhotoRow
    from rgnet.catalogue.selects import Filter


@explain_interrupt("{output} was not written; run the same command again")
@options.with_filters
def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .csv, .jsonl, .json or .parquet.")
    ],
    model: options.ScoredBy = None,
    catalogue: options.Catalogue = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    errors: Annotated[
        bool, typer.Option("--errors", rich_help_panel=options.FILTERS, help="Only photos without a score.")
    ] = False,
    by: options.By = "score",
    taste: options.TasteName = None,
    to: Annotated[
        Literal["onnx", "openvino", "pt2"] | None, typer.Option(help="Now rgnet convert.", hidden=True)
    ] = None,
    input: Annotated[
        Literal["pixels", "normalised", "photo"] | None,
        typer.Option(help="Now of rgnet convert.", hidden=True),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Now of rgnet convert.", hidden=True)] = False,
) -> None:
    """Write the photos of the catalogue as a table.

    It holds the rows of rgnet score --output, your own picks, stars and colours, and of a video the time of the frame
    that was scored, its duration and its number of shots: best first, then photos without
    a score. A filter by score or day selects scored photos only.

    Examples:
    $ rgnet export --output best.csv --min-score 4
    $ rgnet export --output failures.jsonl --errors
    $ rgnet export --output picks.csv --marks picked
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.cli.convert import check_not_a_network, convert
    from rgnet.paths import catalogue_file

    if to:
        typer.echo(f"deprecated: use  rgnet convert --to {to}  instead of  rgnet export --to {to}", err=True)
        convert(output, to=to, model=model, input=input or "pixels", force=force)
        return
    check_not_a_network(output)
    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted, failed = filters.select(opened, model), errors or not filters.need_score
        wanted = options.with_taste(opened, wanted, by, taste)
        rows = _rows(opened, wanted, by, scored=not errors, failed=failed)
        count = _write_table(opened, rows, output, taste=wanted.taste is not None)
    typer.echo(f"wrote {count} rows to {output}", err=True)


def _write_table(opened: Catalogue, rows: Iterable[PhotoRow[Record]], output: Path, *, taste: bool) -> int:
    """Returns how many. taste: with a column for it"""
    from rgnet.outputs.tables import describe_frame, open_table

    opened.check_output(output)
    count = 0
    with open_table(output, catalogue=True, taste=taste) as write:
        for row in rows:
            said = {"taste": row.taste} if taste else {}
            write(row.record, said | row.mark.to_dict() | describe_frame(row.frame))
            count += 1
    return count


def _rows(
    opened: Catalogue, wanted: Filter, by: Literal["score", "taste"], *, scored: bool, failed: bool
) -> Iterator[PhotoRow[Record]]:
    from rgnet.catalogue.queries import find_failed, find_scored

    if scored:
        yield from find_scored(opened, wanted, order=by)
    if failed:
        yield from find_failed(opened, wanted)
