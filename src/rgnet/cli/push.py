"""`rgnet push`: stars into other programs' own databases."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import stop_on_signal
from rgnet.cli.tables import Column, print_rows
from rgnet.errors import SettingError
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.integrations.immich import Immich
    from rgnet.integrations.mapping import PathMapping
    from rgnet.integrations.push import Outcome, RatedPhoto

_COLUMNS = (
    *(Column("action"), Column("before", "g", justify="right"), Column("after", "g", justify="right")),
    Column("photo", wrap=True),
)


@options.with_filters
def push(
    program: Annotated[Literal["immich"], typer.Argument(help="The program that gets the stars.")],
    url: Annotated[str, typer.Option(help="Its address, such as http://nas.local:2283.")],
    api_key_file: Annotated[
        Path,
        typer.Option(
            help="File that holds an API key (permissions asset.read and asset.update) and nothing else."
        ),
    ],
    mapped: options.PathMap = [],  # noqa: B006 - Typer copies it
    write: Annotated[
        bool, typer.Option("--write", help="Write the changes; without it they are only printed.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Clear what rgnet wrote, instead.")] = False,
    cuts: options.Cuts = options.DEFAULT_CUTS,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    as_json: options.AsJson = False,
) -> None:
    """Write the scores of scanned photos as 1 to 5 stars into immich, over its API.

    Prints what would change: the action, the stars before and after, and the photo. Nothing is written without
    --write. Photos are found by their path: --map says what immich calls their folder. Stars that you gave in rgnet's
    gallery come before a score. A rating that a person gave in immich is kept, and --undo clears only what rgnet wrote.

    Examples:
    $ rgnet push immich --url http://nas:2283 --api-key-file key.txt
    $ rgnet push immich --url http://nas:2283 --api-key-file key.txt --write
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.queries import find_paths, find_scored
    from rgnet.integrations.immich import Immich
    from rgnet.integrations.ledger import Ledger
    from rgnet.integrations.mapping import PathMapping
    from rgnet.integrations.push import RatedPhoto, push_ratings
    from rgnet.paths import catalogue_file, immich_ledger
    from rgnet.xmp.sidecar import stars_for

    mapping, bounds = PathMapping(mapped), options.parse_cuts(cuts)
    if undo and (filters.need_score or filters.marks):
        raise SettingError("--undo takes photos by --folder only: leave out the other filters")
    with Catalogue.open(catalogue or catalogue_file()) as opened:
        if undo:
            photos = [RatedPhoto(path, stars=0) for path in find_paths(opened, filters.folder)]
        else:
            rows = find_scored(opened, filters.select(opened, model), order="folder", descending=False)
            # What the person said in rgnet comes before the score; a rejected photo gets no stars
            photos = [
                RatedPhoto(
                    row.record.path,
                    max(0, row.mark.rating or stars_for(row.record.percentile, bounds)),
                    row.bytes,
                )
                for row in rows
            ]
    _print_mapping(mapping, photos)
    with (
        Immich(url, _read_key(api_key_file)) as server,
        Ledger(immich_ledger(), create=write) as ledger,
        stop_on_signal() as stop,
    ):
        outcomes = push_ratings(photos, server, ledger, mapping, write=write, stop=lambda: bool(stop))
        run = _Run(outcomes, write)
        print_rows(_COLUMNS, run.rows(), as_json=as_json)
        if photos and not stop and run.counts["missing"] == len(photos):
            raise SettingError(_none_found(photos[0], mapping, server))
    run.failures.print("push a subfolder to see each")
    typer.echo(run.summary(len(photos)), err=True)
    stop.exit_if_stopped()
    exit_if_failed(run.failures.count)


@dataclass(slots=True)
class _Run:
    outcomes: Iterable[Outcome]
    write: bool
    counts: Counter[str] = field(default_factory=Counter)
    failures: FailureLog = field(default_factory=lambda: FailureLog("rated"))

    def rows(self) -> Iterator[dict[str, object]]:
        """A row for each asset whose stars are not as they should be."""
        for outcome in self.outcomes:
            self.counts[outcome.action] += 1
            if outcome.action == "failed":
                self.failures.add(outcome.photo.path, outcome.error)
            elif outcome.action not in ("missing", "unchanged"):
                yield {
                    "action": outcome.action,
                    "before": outcome.before or None,
                    "after": outcome.after or None,
                    "photo": outcome.photo.path,
                    "in_immich": outcome.theirs,
                    "asset": outcome.asset and outcome.asset.id,
                }

    def summary(self, photos: int) -> str:
        changed = self.counts["set"] + self.counts["undo"]
        words = [f"{changed} {'changed' if self.write else 'would change'}"]
        for action, name in (
            ("unchanged", "unchanged"),
            ("keep", "kept (rated by you)"),
            ("missing", "not in immich"),
            ("failed", "refused"),
        ):
            if count := self.counts[action]:
                words.append(f"{count} {name}")
        hint = "" if self.write or not changed else "; nothing was written: add --write"
        return f"{', '.join(words)} of {photos} photos{hint}"


def _print_mapping(mapping: PathMapping, photos: list[RatedPhoto]) -> None:
    for ours, theirs in mapping.pairs:
        typer.echo(f"folder: {printable(str(ours))} is {theirs} in immich", err=True)
    if photos:
        first = photos[0].path
        typer.echo(f"for example: {printable(first)} is {printable(mapping.theirs(first))}", err=True)


def _none_found(photo: RatedPhoto, mapping: PathMapping, server: Immich) -> str:
    from rgnet.integrations.push import suggest_mapping

    theirs = suggest_mapping(photo, server)
    hint = (
        f"immich has a photo of that name as {theirs}; --map says what immich calls a folder"
        if theirs
        else "--map says what immich calls a folder; photos uploaded to immich lie in a folder of its own"
    )
    return f"immich has none of these photos, such as {mapping.theirs(photo.path)}: {hint}"


def _read_key(file: Path) -> str:
    try:
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            typer.echo(f"warning: other users may read {printable(str(file))}: chmod 600 that file", err=True)
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingError(
            f"the API key file {file} cannot be read ({problem}): check its path and permissions"
        ) from problem
