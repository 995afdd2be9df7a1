"""`rgnet export`: the catalogue as a table, or with --to a model's network for other programs."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rgnet.cli import options

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import Filter

NETWORK = "A network instead, for other programs"
OF_A_TABLE = ("catalogue", "min_score", "max_score", "since", "until", "folder", "errors")
OF_A_NETWORK = ("input", "force")


def export(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="The file to write. A table: .csv, .jsonl, .json or .parquet; a network: .onnx, .xml or .pt2.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Of a table: name or hash of the model whose scores count; left out: the last. "
            "Of a network: its name or file; left out: the default.",
        ),
    ] = None,
    to: Annotated[
        Literal["onnx", "openvino", "pt2"] | None,
        typer.Option(
            "--to",
            rich_help_panel=NETWORK,
            help="Write the network instead of a table: onnx (.onnx), openvino (.xml and .bin) or pt2 (torch's .pt2).",
        ),
    ] = None,
    input: Annotated[
        Literal["pixels", "normalised", "photo"],
        typer.Option(
            rich_help_panel=NETWORK,
            help="What it is fed. pixels: uint8 RGB, resized already; normalised: float32, channels first; "
            "photo: uint8 RGB of any size.",
        ),
    ] = "pixels",
    force: Annotated[
        bool, typer.Option("--force", rich_help_panel=NETWORK, help="Replace the file if it is there.")
    ] = False,
    catalogue: Annotated[
        Path | None,
        typer.Option(rich_help_panel=options.PHOTOS, help="Left out: the one in your user data folder."),
    ] = None,
    min_score: options.MinScore = None,
    max_score: options.MaxScore = None,
    since: options.Day = None,
    until: options.LastDay = None,
    folder: options.Folder = None,
    errors: Annotated[
        bool,
        typer.Option("--errors", rich_help_panel=options.PHOTOS, help="Only the photos without a score."),
    ] = False,
) -> None:
    """Write the catalogue as a table, or with --to a model's network for other programs.

    A table holds the rows of `rgnet score --output`: best first, then what
    could not be scored. With a filter by score or day, only scored photos.

    A network holds weights, card and licence. It is run beside rgnet's own
    engine, and kept only if it answers alike; see docs/convert.md.

    Example:  rgnet export --output best.csv --min-score 4

    Example:  rgnet export --to onnx --output rgnet.onnx
    """
    check_sides(context, output, to)
    if to:
        write_network(model, output, to, input, force=force)
        return
    from rgnet.catalogue.database import Catalogue
    from rgnet.paths import catalogue_file

    narrowed = any(value is not None for value in (min_score, max_score, since, until))
    with Catalogue.open(catalogue or catalogue_file()) as opened:
        wanted = options.asked(opened, model, min_score, max_score, since, until, folder)
        count = write_table(opened, wanted, output, scored=not errors, unscored=errors or not narrowed)
    typer.echo(f"wrote {count} rows to {output}", err=True)


def check_sides(context: typer.Context, output: Path, to: str | None) -> None:
    """Refuse options of a table for a network, and the other way round."""
    from rgnet.errors import SettingError
    from rgnet.export.write import KINDS

    given = [name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"]
    for name in given:
        option = f"--{name.replace('_', '-')}"
        if to and name in OF_A_TABLE:
            raise SettingError(f"{option} is about a table of photos: leave out {option}, or --to {to}")
        if not to and name in OF_A_NETWORK:
            raise SettingError(
                f"{option} is about a network: add --to {', '.join(KINDS)}, or leave out {option}"
            )
    for kind, chosen in KINDS.items():
        if not to and output.suffix.lower() == chosen.ending:
            raise SettingError(f"{output.name} is to be a network and not a table: add --to {kind}")


def write_table(opened: Catalogue, wanted: Filter, output: Path, *, scored: bool, unscored: bool) -> int:
    """Write the rows asked for; returns how many."""
    from rgnet.catalogue.queries import best, failed
    from rgnet.outputs.tables import open_table

    count = 0
    with open_table(output) as write:
        for record in itertools.chain(
            best(opened, wanted) if scored else (), failed(opened, wanted) if unscored else ()
        ):
            write(record)
            count += 1
    return count


def write_network(model: str | None, output: Path, to: str, feed: str, *, force: bool) -> None:
    from rgnet.export.write import export_network, refuse
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    refuse(output, to, force=force)
    file = read_model(find_model(model))
    done = export_network(file, output, to, feed=feed, force=force)
    files = " and ".join(str(path) for path in done.files)
    typer.echo(f"wrote {files}, {done.megabytes:.1f} MB: {done.interface.card.name} as {done.made_for}")
    typer.echo(f"input   {done.interface}")
    typer.echo(f"output  {', '.join(done.interface.outputs)}")
    typer.echo(
        f"checked {done.batches} batches: scores differ from rgnet's by {done.worst:.6f} points at most"
    )
    if file.card.notice:
        typer.echo(f"licence {file.card.licence}: {file.card.notice}")
