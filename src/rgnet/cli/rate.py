"""`rgnet rate`: stars next to photos, where photo programs look for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import StopRequest, stop_on_signal
from rgnet.cli.tables import Column, print_rows
from rgnet.results import ScoredPhoto

if TYPE_CHECKING:
    from rgnet.catalogue.records import PhotoRow
    from rgnet.xmp.sidecar import Change

    # A photo's path, what gives the changes next to it, and what more its rows say
    Plan = tuple[str, Callable[[], Iterable[Change]], dict[str, object]]

_COLUMNS = (
    *(Column("action"), Column("before", "g", justify="right"), Column("after", "g", justify="right")),
    Column("sidecar", wrap=True),
)
_RELATIVE = (Column("percentile", ".0f", justify="right"), Column("model_stars", justify="right"))
_CHANGES = ("create", "set", "undo", "delete")


def rate(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Photos of the catalogue in this folder and its subfolders.", show_default="all photos"
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write the changes; without it they are only printed.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Revert what rgnet wrote, instead.")] = False,
    cuts: options.Cuts = options.DEFAULT_CUTS,
    relative: Annotated[
        Literal["folder", "event", "library"] | None,
        typer.Option(
            help="Compare photos with those of the same folder, event (no pause of 4 hours) or the whole library.",
            show_default="with all photos that people rated",
        ),
    ] = None,
    naming: Annotated[
        Literal["full", "stem"], typer.Option(help="Name of new sidecars: full is a.jpg.xmp, stem is a.xmp.")
    ] = "full",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also replace ratings that a person gave.")
    ] = False,
    by: options.By = "score",
    taste: options.TasteName = None,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    as_json: options.AsJson = False,
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
) -> None:
    """Write the scores of scanned photos as 1 to 5 stars (xmp:Rating) into XMP sidecars next to them.

    Prints what would change: the action, the stars before and after, and the sidecar. Nothing is written without
    --write. A rating that a person gave is kept, and --undo reverts only what rgnet wrote. Of a raw file and its JPEG,
    which are one photo, the raw file gets the stars.

    Examples:
    $ rgnet rate ~/Pictures/wedding
    $ rgnet rate ~/Pictures/wedding --write
    $ rgnet rate ~/Pictures/wedding --relative event
    $ rgnet rate ~/Pictures/wedding --by taste
    $ rgnet rate ~/Pictures/wedding --undo --write
    """
    from rgnet.catalogue.content_check import ContentCheck
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_paths, find_scored, make_filter
    from rgnet.cli.skipping import Skipping
    from rgnet.errors import SettingError, need
    from rgnet.paths import catalogue_file
    from rgnet.xmp.sidecar import Change, plan_rating, plan_undo, stars_for

    need("lxml.etree", extra="xmp", purpose="writing ratings")
    bounds = options.parse_cuts(cuts)
    skipping, of_taste = Skipping(exclude, include), ""

    def plan_row(row: PhotoRow[ScoredPhoto], contents: ContentCheck) -> list[Change]:
        contents.check(row)
        photo, (file, companion) = row.record, row.raw_first
        if (own := row.mark.rating) is not None and not overwrite:
            return [Change(file, file, "keep", own, own)]
        source, stars = f"{photo.model} {photo.model_hash}{of_taste}", stars_for(percentile(photo), bounds)
        change = plan_rating(
            file, stars, model=source, naming=naming, overwrite=overwrite, companion=companion
        )
        return [change]

    def plans() -> Iterator[Plan]:
        if undo:
            # Also of photos that are gone, damaged, or scored by another model by now
            for path in find_paths(opened, folder):
                yield path, partial(plan_undo, Path(path)), {}
            return
        contents = ContentCheck(opened)
        for row in find_rated(folder):
            if skipping.skips_photo(str(row.raw_first[0])):
                continue
            facts: dict[str, object] = {}
            if relative:
                own = stars_for(row.record.percentile, bounds)
                facts = {"percentile": percentile(row.record), "model_stars": own}
            yield row.record.path, partial(plan_row, row, contents), facts

    without_taste: set[str] = set()

    def find_rated(folder: Path | None) -> Iterator[PhotoRow[ScoredPhoto]]:
        """Those that stars are for: by the taste, each with what that says in place of the score."""
        wanted = replace(make_filter(opened, model, folder=folder), taste=taste if by == "taste" else None)
        for row in find_scored(opened, wanted):
            if by == "score":
                yield row
            elif row.taste is None or row.taste_percentile is None:
                without_taste.add(row.id)
            else:
                said = replace(row.record, score=row.taste, percentile=row.taste_percentile)
                yield replace(row, record=said)

    with Catalogue.open(catalogue or catalogue_file()) as opened, stop_on_signal() as stop:
        if by == "taste" and not undo:
            from rgnet.catalogue.preferences import DEFAULT_TASTE
            from rgnet.taste.library import open_taste

            taste = taste or DEFAULT_TASTE
            applied = open_taste(opened, taste, make_filter(opened, model).model)
            of_taste = f", taste {taste} {applied.hash}"
        percentile = _percentiles(find_rated, relative)
        run = _Run(plans(), write=write, stop=stop)
        columns = (*_COLUMNS[:-1], *(_RELATIVE if relative else ()), _COLUMNS[-1])
        print_rows(columns, run.rows(), as_json=as_json)
    skipping.print(photos=True)
    if without_taste:
        typer.echo(
            f"{len(without_taste)} photos have no features, and so no stars by your taste: scan them with --features",
            err=True,
        )
    if folder is not None and not run.photos and not skipping.any:
        raise SettingError(
            f"{folder}: the catalogue has no {'' if undo else 'scored '}photos there: scan it first, or check the path"
        )
    run.failures.print("rate a subfolder to see each")
    typer.echo(run.summary(), err=True)
    stop.exit_if_stopped()
    exit_if_failed(run.failures.count)


def _percentiles(
    find_rated: Callable[[None], Iterable[PhotoRow[ScoredPhoto]]],
    relative: Literal["folder", "event", "library"] | None,
) -> Callable[[ScoredPhoto], float]:
    """What the stars go by: the model's percentile, or that among the photographer's own photos."""
    from rgnet.culling.relative import RelativePercentiles

    if relative is None:
        return lambda photo: photo.percentile
    return RelativePercentiles(find_rated(None), relative).percentile


@dataclass(slots=True)
class _Run:
    """Ratings planned, and with `write` applied, photo by photo."""

    plans: Iterable[Plan]
    write: bool
    stop: StopRequest
    photos: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: FailureLog = field(default_factory=lambda: FailureLog("rated"))
    seen: set[Path] = field(default_factory=set)

    def rows(self) -> Iterator[dict[str, object]]:
        """Do it; a row for each sidecar whose stars are not as they should be."""
        for path, plan, facts in self.plans:
            if self.stop:
                return
            self.photos += 1
            yield from (row | facts for row in self._rows_of(path, plan))

    def _rows_of(self, path: str, plan: Callable[[], Iterable[Change]]) -> Iterator[dict[str, object]]:
        from rgnet.errors import OutputError, PhotoError
        from rgnet.xmp.sidecar import apply

        try:
            for change in plan():
                # a.jpg and a.nef may share a sidecar
                if change.sidecar in self.seen and change.action != "keep":
                    continue
                self.seen.add(change.sidecar)
                if self.write:
                    apply(change)
                self.counts[change.action] += 1
                if change.action != "unchanged":
                    yield _row(change)
        except PhotoError as problem:
            self.failures.add(path, problem.message)
        except OutputError as problem:
            self.failures.add(path, str(problem))

    def summary(self) -> str:
        changed = sum(self.counts[action] for action in _CHANGES)
        words = [f"{changed} {'changed' if self.write else 'would change'}"]
        if unchanged := self.counts["unchanged"]:
            words.append(f"{unchanged} unchanged")
        if kept := self.counts["keep"]:
            words.append(f"{kept} kept (rated by you)")
        if self.failures.count:
            words.append(f"{self.failures.count} refused")
        hint = "" if self.write or not changed else "; nothing was written: add --write"
        return f"{', '.join(words)} of {self.photos} photos{hint}"


def _row(change: Change) -> dict[str, object]:
    return {
        "action": change.action,
        "before": change.before,
        "after": change.after,
        "sidecar": str(change.sidecar),
    }
