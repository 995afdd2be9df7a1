"""Routes of the gallery: photos of the catalogue, and a person's marks of them."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from rgnet.catalogue.marks import Mark, PickState
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import Filter
from rgnet.errors import MissingExtra
from rgnet.results import Record
from rgnet.service.access import find_allowed, make_checks
from rgnet.service.gallery import Gallery, PictureKind, gallery_photo
from rgnet.service.limits import RequestRefused
from rgnet.service.mark_schemas import (
    ChangedMarks,
    MarkRequest,
    PairAnswer,
    PhotoPair,
    PhotoPath,
    PhotoPaths,
    SidecarChanges,
    SidecarRequest,
)
from rgnet.service.pages import not_modified, tagged_response
from rgnet.service.routes import Ratio, read_ratio
from rgnet.service.schemas import (
    CellEffects,
    GroupPhotos,
    ListingOutline,
    PhotoCrop,
    PhotoDetail,
    PhotoMark,
    PhotoPage,
    error_responses,
)
from rgnet.service.settings import Settings
from rgnet.service.sidecars import change_sidecars
from rgnet.service.viewer import open_in_viewer

_MOST_PATHS = 100_000

_PhotoId = Annotated[
    str, Path(pattern="^([0-9]{1,18}|u[0-9a-f]{16})$", description="As /v1/photos gives it.")
]
_Score = Annotated[float | None, Query(allow_inf_nan=False)]
_Offset = Annotated[int, Query(ge=0, le=10**9)]
_Limit = Annotated[int, Query(ge=1, le=500)]
_Counted = Annotated[
    bool, Query(description="false: the first page may come without counts, where counting takes longer.")
]

_JPEG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A JPEG without metadata.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "Not modified."},
}
_READING = error_responses(401, 404, 421, 422, 429, 503)
_COMPUTING = error_responses(401, 403, 404, 421, 422, 429, 503)
_CHANGING = error_responses(401, 403, 404, 421, 422, 429, 501, 503)


class _ListingQuery:
    """The query of a listing, from its parameters."""

    def __init__(
        self,
        sort: Literal["score", "name", "taken", "folder"] = "score",
        order: Literal["asc", "desc"] | None = None,
        min: _Score = None,
        max: _Score = None,
        since: date | None = None,
        until: date | None = None,
        folder: Annotated[str, Query(max_length=4096, description="This one and those below.")] = "",
        text: Annotated[str, Query(max_length=200, description="A part of the path.")] = "",
        marks: Annotated[PickState | None, Query(description="What a person said of the photo.")] = None,
        groups: Annotated[Literal["0", "1"], Query(description="1: of look-alikes only the best.")] = "0",
        errors: Annotated[Literal["0", "1", "only"], Query(description="Photos without a score.")] = "1",
    ) -> None:
        self.sort, self.errors = sort, errors
        self.descending = order == "desc" if order else sort == "score"
        self.wanted: dict[str, Any] = {
            "lowest": min,
            "highest": max,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "folder": folder or None,
            "text": text,
            "marks": marks,
            "distinct": groups == "1",
        }

    def listing(self, model_hash: str) -> Listing:
        wanted = Filter(model=model_hash, **self.wanted)
        return Listing(wanted=wanted, order=self.sort, descending=self.descending, failures=self.errors)


_Listed = Annotated[_ListingQuery, Depends()]


def gallery_router(gallery: Gallery, settings: Settings) -> APIRouter:
    """What only reads."""
    router = APIRouter(prefix="/v1/photos", tags=["gallery"])

    @router.get("", responses=error_responses(401, 421, 422, 429, 503), response_model_exclude_unset=True)
    async def photos(
        request: Request, listed: _Listed, offset: _Offset = 0, limit: _Limit = 200, counted: _Counted = True
    ) -> PhotoPage:
        """Photos of the catalogue, best first or as `sort` says; those without a score come last."""
        listing, allowed = listed.listing(gallery.card.short_hash), find_allowed(request, settings)
        return await gallery.photos(listing, offset, limit, allowed, counted=counted)

    @router.get("/outline", responses=error_responses(401, 421, 422, 429, 503))
    async def outline(listed: _Listed) -> ListingOutline:
        """How many photos match, and the shape of each, in their order: enough to lay them all out."""
        return await gallery.outline(listed.listing(gallery.card.short_hash))

    @router.get("/paths", responses=error_responses(401, 421, 422, 429, 503))
    async def paths(listed: _Listed) -> PhotoPaths:
        """The paths of all photos that match, in the same order."""
        listed.wanted["distinct"] = False
        rows = await gallery.catalogue.every_photo(listed.listing(gallery.card.short_hash), _MOST_PATHS)
        found = [PhotoPath(id=photo.id, path=photo.path) for photo in map(gallery_photo, rows)]
        return PhotoPaths(photos=found, is_complete=len(found) < _MOST_PATHS)

    @router.get("/{id}", responses=_READING)
    async def photo(id: _PhotoId) -> PhotoDetail:
        """One photo with the map and the graph of its regions; without them where it has no score."""
        return await gallery.photo(await gallery.row(id))

    @router.get("/{id}/group", responses=_READING)
    async def group(id: _PhotoId) -> GroupPhotos:
        """The photos that look like this one, itself among them, with the reason of their order."""
        return GroupPhotos(photos=await gallery.group(await gallery.row(id)))

    @router.get("/{id}/crop", responses=_READING)
    async def crop(id: _PhotoId, ratio: Ratio) -> PhotoCrop:
        """The best crop of a photo to a ratio, in pixels; nothing is written."""
        return await gallery.crop(await gallery.row(id), read_ratio(ratio))

    @router.get("/{id}/thumbnail", response_class=Response, responses=_JPEG | _READING)
    async def thumbnail(request: Request, id: _PhotoId) -> Response:
        """The photo, at most 512 pixels a side."""
        return await picture_response(request, id, "thumbnail")

    @router.get("/{id}/picture", response_class=Response, responses=_JPEG | _READING)
    async def picture(request: Request, id: _PhotoId) -> Response:
        """The photo, at most 1600 pixels a side."""
        return await picture_response(request, id, "picture")

    @router.get("/{id}/full", response_class=Response, responses=_JPEG | _READING)
    async def full(request: Request, id: _PhotoId) -> Response:
        """The photo with all of its pixels, up to 8192 a side."""
        return await picture_response(request, id, "full")

    @router.post("/{id}/what-if", responses=_COMPUTING)
    async def what_if(id: _PhotoId) -> CellEffects:
        """What each part of the photo is worth: its score less its score with the part blurred.

        Computed when it is first asked for, and kept. 404 also where the model's card says that its maps mean nothing.
        """
        return await gallery.what_if(await gallery.row(id))

    async def picture_response(request: Request, id: str, kind: PictureKind) -> Response:
        row = await gallery.row(id)
        tag = f"{row.sha256}-{kind}"
        return not_modified(request, tag) or tagged_response(
            await gallery.picture(row, kind), "image/jpeg", tag
        )

    return router


def marks_router(gallery: Gallery, settings: Settings) -> APIRouter:
    """What changes something, for those who may."""
    router = APIRouter(prefix="/v1", tags=["marks"])
    may_mark, may_open = make_checks(settings)

    @router.post("/marks", responses=_CHANGING, dependencies=[Depends(may_mark)])
    async def mark(change: MarkRequest) -> ChangedMarks:
        """Pick, reject, rate or colour photos, or take that away; one step for `undo`."""
        return _to_marks(await gallery.catalogue.mark([int(id) for id in change.photos], change.change))

    @router.post("/marks/undo", responses=_CHANGING, dependencies=[Depends(may_mark)])
    async def undo() -> ChangedMarks:
        """Take back the last step; no marks where there is none left."""
        return _to_marks(await gallery.catalogue.undo())

    @router.get("/pairs", responses=_CHANGING, dependencies=[Depends(may_mark)])
    async def pair() -> PhotoPair:
        """Two photos to be compared, where the taste that was learned so far is unsure."""
        return _to_pair(*await gallery.catalogue.pair())

    @router.post("/pairs", responses=_CHANGING, dependencies=[Depends(may_mark)])
    async def answer(given: PairAnswer) -> PhotoPair:
        """Keep which of two photos is better; the next two."""
        return _to_pair(
            *await gallery.catalogue.prefer(int(given.better), int(given.other), equal=given.equal)
        )

    @router.post("/sidecars", responses=_CHANGING, dependencies=[Depends(may_mark)])
    async def sidecars(asked: SidecarRequest) -> SidecarChanges:
        """Write the marks of photos into XMP sidecars next to them, or only say what would change.

        What another program says in a sidecar is kept unless `overwrite` is true.
        """
        rows = await gallery.catalogue.rows_to_write([int(id) for id in asked.photos])
        try:
            changes = await asyncio.to_thread(change_sidecars, rows, asked)
        except MissingExtra as problem:
            raise RequestRefused(501, str(problem)) from None
        return SidecarChanges(changes=changes, written=asked.write)

    @router.post("/photos/{id}/open", status_code=204, responses=_CHANGING, dependencies=[Depends(may_open)])
    async def open(id: _PhotoId) -> None:
        """Open the photo in the system's viewer; only for somebody at the machine that serves."""
        row = await gallery.row(id)
        await asyncio.to_thread(open_in_viewer, row.record.path)

    return router


def _to_pair(rows: list[PhotoRow[Record]], answered: int) -> PhotoPair:
    return PhotoPair(photos=[gallery_photo(row) for row in rows], answered=answered)


def _to_marks(marks: dict[int, Mark]) -> ChangedMarks:
    return ChangedMarks(
        marks={
            str(photo): PhotoMark(pick=mark.pick, stars=mark.stars, colour=mark.colour)
            for photo, mark in marks.items()
        }
    )
