"""`rgnet group`: photos that look alike, the best of them first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnet.cli import options
from rgnet.cli.tables import Column, print_json, print_rows

if TYPE_CHECKING:
    from rgnet.culling.eyes import FrameEyes
    from rgnet.culling.look_alikes import Group, LookAlikes

_COLUMNS = (
    Column("group", justify="right"),
    Column("kind"),
    Column("score", ".3f", justify="right"),
    Column("pick"),
    Column("reason", wrap=True),
    Column("path", wrap=True),
)


@options.with_filters
def group(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Photos in this folder and its subfolders.", show_default="the whole catalogue"),
    ] = None,
    catalogue: options.Catalogue = None,
    model: options.ScoredBy = None,
    filters: options.Filters = options.Filters(),  # noqa: B008 - immutable
    faces: Annotated[
        bool, typer.Option("--faces", help="Look at faces too: frames with closed eyes come later.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Group the scanned photos that look alike, best first, and say why.

    Copies, bursts and frames of one scene are ordered by score, sharpness and white highlights, with --faces also by
    closed eyes. Exposure brackets, focus stacks and panoramas are named and kept whole. Nothing is deleted or moved.

    Examples:
    $ rgnet group ~/Pictures/wedding
    $ rgnet group --since yesterday --faces
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.culling.look_alikes import find_groups
    from rgnet.paths import catalogue_file

    with Catalogue.open(catalogue or catalogue_file()) as opened, _open_eyes(faces) as eyes:
        wanted = replace(filters, folder=folder).select(opened, model)
        found = find_groups(opened, wanted, eyes=eyes)
    if as_json:
        for number, one in enumerate(found.groups, 1):
            print_json(_to_dict(number, one))
    else:
        print_rows(_COLUMNS, _rows(found.groups))
    typer.echo(_summary(found), err=True)


@contextmanager
def _open_eyes(wanted: bool) -> Iterator[FrameEyes | None]:
    if not wanted:
        yield None
        return
    from rgnet.cli.progress import counter
    from rgnet.culling.eyes import FrameEyes
    from rgnet.previews import open_previews

    with (
        closing(open_previews()) as previews,
        counter(lambda: None, "looking at faces") as advance,
        FrameEyes(previews, advance) as eyes,
    ):
        yield eyes


def _rows(groups: list[Group]) -> Iterator[dict[str, object]]:
    for number, one in enumerate(groups, 1):
        for frame in one.frames:
            record = frame.row.record
            known = {"score": record.score, "reason": frame.reason, "path": record.path}
            yield {"group": number, "kind": one.kind, "pick": frame.row.mark.pick, **known}


def _to_dict(number: int, one: Group) -> dict[str, Any]:
    frames = [
        {
            **frame.row.record.to_dict(),
            **frame.row.mark.to_dict(),
            "taken": frame.row.taken,
            "reason": frame.reason,
            "sharpness": round(frame.sharpness, 3),
            "clipped": round(frame.clipped, 5),
        }
        for frame in one.frames
    ]
    return {"group": number, "kind": one.kind, "kept_whole": one.kept_whole, "photos": frames}


def _summary(found: LookAlikes) -> str:
    kinds = Counter(one.kind for one in found.groups)
    named = ", ".join(f"{count} {_name(kind, count)}" for kind, count in kinds.most_common())
    grouped = sum(len(one.frames) for one in found.groups)
    groups = "1 group" if len(found.groups) == 1 else f"{len(found.groups)} groups"
    line = f"{grouped} photos in {groups}" + (f" ({named})" if named else "") + f", {found.alone} alone"
    if found.unmeasured:
        line += f"; {found.unmeasured} not compared (scanned by an earlier rgnet): scan their folders again"
    return line


def _name(kind: str, count: int) -> str:
    if kind == "copies":
        return "set of copies" if count == 1 else "sets of copies"
    return kind if count == 1 else f"{kind}s"
