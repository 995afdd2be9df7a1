"""Marks of the gallery's photos written into XMP sidecars; blocking, for a thread of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rgnet.catalogue.records import PhotoRow
from rgnet.errors import OutputError, PhotoError, need
from rgnet.results import Record
from rgnet.service.mark_schemas import SidecarChange, SidecarRequest
from rgnet.text import escape_surrogates
from rgnet.xmp.marks import MarksChange, plan_marks
from rgnet.xmp.sidecar import apply


def change_sidecars(
    rows: Sequence[tuple[PhotoRow[Record], str | None]], asked: SidecarRequest
) -> list[SidecarChange]:
    """What would change next to each photo, or has changed where `asked` says to write.

    rows: each with the reason why nothing may be written next to it, if there is one. Raises MissingExtra.
    """
    need("lxml.etree", extra="xmp", purpose="writing sidecars")
    return [_change_sidecar(row, problem, asked) for row, problem in rows]


def _change_sidecar(row: PhotoRow[Record], problem: str | None, asked: SidecarRequest) -> SidecarChange:
    if problem is not None:
        return _failure(row, problem)
    try:
        photo, companion = row.raw_first
        options: dict[str, Any] = {
            "naming": asked.naming,
            "overwrite": asked.overwrite,
            "companion": companion,
        }
        plan = plan_marks(photo, **_values(row), **options)
        if asked.write:
            apply(plan.change)
    except PhotoError as refused:
        return _failure(row, refused.message)
    except OutputError as refused:
        return _failure(row, str(refused))
    return _describe(row, plan)


def _values(row: PhotoRow[Record]) -> dict[str, Any]:
    return {"pick": row.mark.pick, "stars": row.mark.stars, "colour": row.mark.colour}


def _describe(row: PhotoRow[Record], plan: MarksChange) -> SidecarChange:
    sidecar = (
        None if plan.change.sidecar == plan.change.photo else escape_surrogates(str(plan.change.sidecar))
    )
    return SidecarChange.model_validate(
        {
            "id": row.id,
            "path": escape_surrogates(row.record.path),
            "sidecar": sidecar,
            "action": plan.change.action,
            "before": plan.before,
            "after": plan.after,
            "kept": list(plan.kept),
            "error": None,
        }
    )


def _failure(row: PhotoRow[Record], error: str) -> SidecarChange:
    return SidecarChange(
        id=row.id,
        path=escape_surrogates(row.record.path),
        sidecar=None,
        action="failed",
        before={},
        after={},
        kept=[],
        error=escape_surrogates(error),
    )
