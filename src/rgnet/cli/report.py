"""`rgnet report`: photos as a page to browse."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.scan import scan_folders
from rgnet.cli.signals import explain_interrupt

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue
    from rgnet.cli.skipping import Skipping
    from rgnet.page.report import Report
    from rgnet.weights.file import ModelFile


@explain_interrupt(
    "{output} was not written; scores are kept, so that the same command is quicker when run again"
)
@options.with_filters
def report(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER|CATALOGUE",
            help="A folder, which is scanned first; or a catalogue file.",
            show_default="the catalogue in your user data folder",
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
    limit: Annotated[
        int | None, typer.Option(min=1, help="Number of photos, best first.", show_default="all")
    ] = None,
    groups: Annotated[
        bool,
        typer.Option(
            "--groups",
            help="Begin with one card for each group of look-alikes, the best frame on top; see rgnet group.",
        ),
    ] = False,
    catalogue: options.Catalogue = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="Model name or file; of a catalogue, the model whose scores are shown.",
            show_default="as rgnet score for a folder; the one used most recently for a catalogue",
        ),
    ] = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
    videos: options.Videos = True,
) -> None:
    """Make one page of photos, best first, that opens in any browser and shows why each has its score.

    The photos of a folder are scored and remembered as rgnet scan does it, so that the next report is quick.

    Examples:
    $ rgnet report ~/Pictures/wedding --output wedding.html
    $ rgnet report ~/Pictures/wedding --groups
    """
    from rgnet.cli.skipping import Skipping

    _check_output(output)
    scanned = source if source is not None and source.is_dir() else None
    if thumbnails == "beside" and scanned:
        _check_apart(output, scanned)
    with _open_catalogue(source, catalogue) as opened:
        file: ModelFile | None
        if scanned:
            hash, file = _scan_first(opened, scanned, model, Skipping(exclude, include, videos=videos))
        else:
            hash, file = _model_of(opened, model)
        filters = replace(filters, folder=filters.folder or scanned)
        wanted = filters.select(opened, hash, exclude=exclude)
        root = scanned.resolve() if scanned else None
        opened.check_output(output)
        contents = {"catalogue": opened, "wanted": wanted, "limit": limit, "root": root, "grouped": groups}
        made = _write(output, thumbnails, file, **contents)
    megabytes = output.stat().st_size / 1e6
    counts = f"{made.photos} photos, {made.scored_photos} with a score, {made.not_shown} not shown"
    typer.echo(f"{counts}; {megabytes:.1f} MB in {output}", err=True)
    exit_if_failed(made.not_shown)


def _check_output(output: Path) -> None:
    from rgnet.errors import SettingError

    if output.suffix.lower() not in (".html", ".htm"):
        raise SettingError(f"{output}: expected a page, found the suffix {output.suffix!r}: end it in .html")
    if output.is_dir() or not output.parent.is_dir():
        raise SettingError(f"{output} cannot be written: give --output a file in a folder that exists")


def _check_apart(output: Path, folder: Path) -> None:
    """Pictures beside the page must not become photos of the next scan."""
    from rgnet.errors import SettingError

    if output.resolve().is_relative_to(folder.resolve()):
        raise SettingError(
            f"the pictures beside {output} would be among the photos of {folder}: give an --output outside of it"
        )


def _open_catalogue(source: Path | None, catalogue: Path | None) -> Catalogue:
    from rgnet.catalogue.database import Catalogue
    from rgnet.errors import SettingError
    from rgnet.paths import catalogue_file

    if source is None or source.is_dir():
        return Catalogue.open(catalogue or catalogue_file(), create=source is not None)
    if catalogue is not None:
        raise SettingError(
            f"{source} is not a folder, and --catalogue names a catalogue too: give one of them"
        )
    if not source.is_file():
        raise SettingError(
            f"{source}: expected a folder of photos or a catalogue, found nothing: check the path"
        )
    return Catalogue.open(source)


def _scan_first(
    catalogue: Catalogue, folder: Path, model: str | None, skipping: Skipping
) -> tuple[str, ModelFile]:
    """Scan; the hash of the model that did it, and its file."""
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    path = find_model(model)
    outcome = scan_folders(catalogue, path, [folder], skipping=skipping)
    skipping.print()
    typer.echo(f"{outcome.summary()}; catalogue {catalogue.file}", err=True)
    outcome.stop.exit_if_stopped()
    file = read_model(path)
    return file.card.short_hash, file


def _model_of(catalogue: Catalogue, model: str | None) -> tuple[str, ModelFile | None]:
    """The hash of the model whose scores are shown, and its file where it is available."""
    from rgnet.catalogue.models import resolve_model
    from rgnet.weights.file import read_card, read_model
    from rgnet.weights.registry import find_by_hash

    given = Path(model) if model and Path(model).is_file() else None
    hash = resolve_model(catalogue, read_card(given).short_hash if given else model)
    path = given or find_by_hash(hash)
    return hash, read_model(path) if path else None


def _write(output: Path, thumbnails: str, file: ModelFile | None, **contents: Any) -> Report:
    """Write the report with a bar on the terminal; returns what became of it."""
    from rgnet.cli.progress import counter
    from rgnet.page.report import Report
    from rgnet.previews import open_previews
    from rgnet.scorer import open_scorer

    with closing(open_previews()) as previews:
        made = Report(
            card=file.card if file else None,
            scorer=partial(open_scorer, file) if file else None,
            previews=previews,
            pictures_beside=thumbnails == "beside",
            **contents,
        )
        if file is None:
            typer.echo(made.missing_graph(), err=True)
        with counter(made.count_scored, "drawing") as made.on_photo:
            made.write(output)
    return made
