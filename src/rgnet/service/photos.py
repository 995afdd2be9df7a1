"""Routes of the gallery: the page and its parts, and the photos that it asks for."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rgnet import page
from rgnet.catalogue.listing import Asked
from rgnet.catalogue.queries import Filter
from rgnet.service.gallery import Gallery, listed
from rgnet.service.refusals import Refused
from rgnet.service.schemas import as_json, described, named, refusals

Id = Annotated[str, Path(pattern="^([0-9]{1,18}|u[0-9a-f]{16})$", description="As /v1/photos gives it.")]
Score = Annotated[float | None, Query(allow_inf_nan=False)]
Count = Annotated[int, Query(ge=0, le=10**9)]
Limit = Annotated[int, Query(ge=1, le=500)]

JPEG = {
    200: {
        "description": "A JPEG, drawn anew.",
        "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: {"description": "As it was."},
}
# Always asked for again, and answered in a moment with 304: another catalogue has other photos by the same ids
AGAIN = {"Cache-Control": "private, no-cache"}


def no_gallery() -> APIRouter:
    """What stands at / without a catalogue."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def root() -> Response:
        raise Refused(404, "no catalogue is shown here: start the service with --catalogue FILE")

    return router


def page_routes() -> APIRouter:
    """The page itself; its addresses are relative to it."""
    router = APIRouter(include_in_schema=False)
    parts = {
        "/": ("text/html", page.served()),
        "/page.js": ("text/javascript", page.script()),
        "/page.css": ("text/css", page.style()),
    }
    for address, (kind, text) in parts.items():
        router.add_api_route(address, answering(text.encode(), kind), methods=["GET"])
    return router


def answering(data: bytes, kind: str):
    tag = hashlib.sha256(data).hexdigest()[:32]

    async def part(request: Request) -> Response:
        return tagged(request, tag) or Response(data, headers=headers(tag), media_type=kind)

    return part


def photo_routes(gallery: Gallery) -> APIRouter:
    router = APIRouter(prefix="/v1/photos", tags=["gallery"])
    none = refusals(401, 404, 421, 422, 429, 503)
    rows = {200: described("A page of photos.", named("Photos"))} | refusals(401, 421, 422, 429, 503)
    detail = {200: described("The photo.", named("PhotoDetail"))} | none

    @router.get("", responses=rows)
    async def photos(
        sort: Literal["score", "name", "taken", "folder"] = "score",
        order: Literal["asc", "desc"] | None = None,
        min: Score = None,
        max: Score = None,
        since: date | None = None,
        until: date | None = None,
        folder: Annotated[str, Query(max_length=4096, description="This one and those below.")] = "",
        text: Annotated[str, Query(max_length=200, description="A part of the path.")] = "",
        errors: Annotated[Literal["0", "1", "only"], Query(description="Photos without a score.")] = "1",
        offset: Count = 0,
        limit: Limit = 200,
    ) -> Response:
        """Photos of the catalogue, best first or as `sort` says; those without a score come last."""
        wanted = Filter(
            model=gallery.card.short_hash,
            lowest=min,
            highest=max,
            since=since and since.isoformat(),
            until=until and until.isoformat(),
            folder=folder or None,
        )
        descending = order == "desc" if order else sort == "score"
        asked = Asked(wanted=wanted, text=text, sort=sort, descending=descending, errors=errors)
        return as_json(await gallery.listed(asked, offset, limit))

    @router.get("/{id}", responses=detail)
    async def photo(id: Id) -> Response:
        """One photo with the map and the graph of its regions; without them where it has no score."""
        row = await gallery.row(id)
        text = as_json(listed(row)).body, await gallery.detail(row)
        return Response(b'{"photo": %b, "detail": %b}' % text, media_type="application/json")

    @router.get("/{id}/thumbnail", responses=JPEG | none)
    async def thumbnail(request: Request, id: Id) -> Response:
        """The photo, at most 512 pixels a side."""
        return await image(request, id, "thumbnail")

    @router.get("/{id}/picture", responses=JPEG | none)
    async def picture(request: Request, id: Id) -> Response:
        """The photo, at most 1600 pixels a side."""
        return await image(request, id, "picture")

    async def image(request: Request, id: str, what: str) -> Response:
        row = await gallery.row(id)
        tag = f"{row.sha256}-{what}"
        return tagged(request, tag) or Response(
            await gallery.image(row, what), headers=headers(tag), media_type="image/jpeg"
        )

    return router


def headers(tag: str) -> dict[str, str]:
    return AGAIN | {"ETag": f'"{tag}"'}


def tagged(request: Request, tag: str) -> Response | None:
    """304 where the client has this already."""
    known = request.headers.get("if-none-match", "")
    return Response(status_code=304, headers=headers(tag)) if f'"{tag}"' in known else None
