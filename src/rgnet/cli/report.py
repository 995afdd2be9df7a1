"""`rgnet report`: photos as a page to look at."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rgnet.cli import options
from rgnet.cli.scan import scanned

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue
    from rgnet.page.report import Report
    from rgnet.weights.file import ModelFile


def report(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER|CATALOGUE",
            help="A folder, which is scanned first; or a catalogue; left out: the one in your user data folder.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The page to write; an earlier one is replaced.")
    ] = Path("report.html"),
    thumbnails: Annotated[
        Literal["inside", "beside"],
        typer.Option(
            help="inside: the page is one file; beside: larger pictures, in a folder OUTPUT_files next to it."
        ),
    ] = "inside",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the best so many photos.")] = None,
    catalogue: options.Catalogue = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Name or file; of a catalogue, the model whose scores are shown."),
    ] = None,
    min_score: options.MinScore = None,
    max_score: options.MaxScore = None,
    since: options.Day = None,
    until: options.LastDay = None,
    folder: options.Folder = None,
) -> None:
    """Make one page of photos, best first, that opens in any browser and shows what lifts and what sinks each score.

    A folder's photos are scored and remembered as `rgnet scan` does, so that the next report is quick.

    Example:  rgnet report ~/Pictures/wedding --output wedding.html
    """
    check_output(output)
    if thumbnails == "beside":
        check_apart(output, source)
    is_folder = source is not None and source.is_dir()
    with opened(source, catalogue) as found:
        hash, file = scanned_first(found, source, model) if is_folder else model_of(found, model)
        scope = folder or (source if is_folder else None)
        wanted = options.asked(found, hash, min_score, max_score, since, until, scope)
        asked = {"limit": limit, "root": source.absolute() if is_folder else None}
        made = written(output, thumbnails, file, catalogue=found, wanted=wanted, **asked)
    megabytes = output.stat().st_size / 1e6
    typer.echo(f"{made.shown} photos, {made.lost} not shown; {megabytes:.1f} MB in {output}", err=True)
    if made.lost:
        raise typer.Exit(3)


def check_output(output: Path) -> None:
    from rgnet.errors import SettingError

    if output.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"a report is written as HTML: {output} should end in .html")
    if output.is_dir() or not output.parent.is_dir():
        raise SettingError(f"{output} cannot be written: give the name of a file in a folder that is there")


def check_apart(output: Path, source: Path | None) -> None:
    """Pictures beside the page must not become photos of the next scan."""
    from rgnet.errors import SettingError

    if source is not None and source.is_dir() and output.resolve().is_relative_to(source.resolve()):
        raise SettingError(
            f"the pictures beside {output} would lie among the photos of {source}: give an --output outside of it"
        )


def opened(source: Path | None, catalogue: Path | None) -> Catalogue:
    from rgnet.catalogue.database import Catalogue
    from rgnet.errors import SettingError
    from rgnet.paths import catalogue_file

    if source is None or source.is_dir():
        return Catalogue.open(catalogue or catalogue_file(), make=source is not None)
    if catalogue is not None:
        raise SettingError(f"{source} is no folder, and --catalogue names a catalogue too: give one of them")
    if not source.is_file():
        raise SettingError(f"{source} is neither a folder of photos nor a catalogue: check the path")
    return Catalogue.open(source)


def scanned_first(catalogue: Catalogue, folder: Path, model: str | None) -> tuple[str, ModelFile]:
    """Scan; the hash of the model that did it, and its file."""
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    path = find_model(model)
    outcome = scanned(catalogue, path, [folder])
    typer.echo(f"{outcome}; catalogue {catalogue.file}", err=True)
    outcome.exit_if_stopped()
    file = read_model(path)
    return file.card.short_hash, file


def model_of(catalogue: Catalogue, model: str | None) -> tuple[str, ModelFile | None]:
    """The hash of the model whose scores are asked for, and its file where it is at hand."""
    from rgnet.catalogue.queries import model_asked_for
    from rgnet.weights.file import read_card, read_model
    from rgnet.weights.registry import find_by_hash

    given = Path(model) if model and Path(model).is_file() else None
    hash = model_asked_for(catalogue, read_card(given).short_hash if given else model)
    path = given or find_by_hash(hash)
    return hash, path and read_model(path)


def written(output: Path, thumbnails: str, file: ModelFile | None, **asked: Any) -> Report:
    """The report, after it was written with a bar on the terminal."""
    from rgnet.cli.progress import counter
    from rgnet.page.folder import Beside
    from rgnet.page.report import Report
    from rgnet.scorer import opened as opened_scorer

    made = Report(scorer=file and opened_scorer(file), **asked)
    if file is None:
        typer.echo(f"{made.without_graph()}", err=True)
    with (
        Beside(output) if thumbnails == "beside" else nullcontext() as made.beside,
        counter(made.total, "looking again") as made.tell,
    ):
        made.write(output)
    return made
