"""Routes: health and metrics, scoring, the photos of the gallery."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from rgnet.catalogue.paging import Listing
from rgnet.catalogue.selects import Filter
from rgnet.service.gallery import Gallery, PictureKind, gallery_photo
from rgnet.service.inference import Inference, ScoredUpload
from rgnet.service.limits import Capacity
from rgnet.service.metrics import Metrics
from rgnet.service.pages import not_modified, tagged_response
from rgnet.service.schemas import (
    SCORES_EXAMPLE,
    ExplainedPhotos,
    PhotoDetail,
    PhotoPage,
    PhotoScores,
    RatingScale,
    ServedModel,
    ServedModels,
    Status,
    error_responses,
)
from rgnet.service.settings import Settings
from rgnet.service.uploads import BINARY_TYPE, FORM_FIELD, FORM_TYPE, Upload, read_uploads

_Responses = dict[int | str, dict[str, Any]]

_MAX_WHAT_IF_CELLS = 10

_BINARY = {"type": "string", "format": "binary"}


# --- health ----------------------------------------------------------------------------------------------


def health_router(metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operation"])
    prometheus_text: _Responses = {
        200: {"description": "Counts.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }

    @router.get("/healthz")
    async def healthz() -> Status:
        """Liveness: the process answers."""
        return Status(status="ok")

    @router.get("/readyz")
    async def readyz() -> Status:
        """Readiness: the network and the decoding processes have answered once. Until then nothing listens."""
        return Status(status="ready")

    @router.get("/metrics", response_class=Response, responses=prometheus_text | error_responses(401, 421))
    async def prometheus() -> Response:
        """Metrics in Prometheus's text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


# --- scoring ---------------------------------------------------------------------------------------------

_Name = Annotated[
    str,
    Query(
        max_length=1000,
        description="What to call a photo that is the body itself; only text in the response.",
    ),
]
_WhatIfCells = Annotated[
    int | None,
    Query(
        ge=2,
        le=_MAX_WHAT_IF_CELLS,
        description="Also cover each cell of a grid with this many cells a side (default: none).",
    ),
]


def scoring_router(inference: Inference, capacity: Capacity, settings: Settings) -> APIRouter:
    router = APIRouter(tags=["scoring"])
    body = _request_body(settings.max_files)
    statuses = (400, 401, 403, 408, 413, 415, 421, 422, 429)
    example: _Responses = {200: {"content": {"application/json": {"example": SCORES_EXAMPLE}}}}

    async def run(
        request: Request, name: str, work: Callable[[Upload], Awaitable[ScoredUpload]]
    ) -> list[ScoredUpload]:
        with capacity.reserve() as reservation:
            uploads = await read_uploads(request.stream(), request.headers, name, reservation, settings)
            return await asyncio.gather(*map(work, uploads))

    @router.post(
        "/v1/score",
        openapi_extra=body,
        responses=example | error_responses(*statuses, photos=PhotoScores),
        response_description="At least one photo was scored.",
    )
    async def score(request: Request, response: Response, name: _Name = "") -> PhotoScores:
        """Score photos: a form's field `files`, one or many, or one photo as the body.

        A photo that cannot be scored has a record with its `error`. The status is 200 where at least one was
        scored, else 413, 415 or 422, whatever the first one's failure is.
        """
        scored = await run(request, name, inference.score)
        response.status_code = _common_status(scored)
        return PhotoScores.of(scored)

    @router.post(
        "/v1/explain",
        openapi_extra=body,
        responses=error_responses(*statuses, photos=ExplainedPhotos),
        response_description="At least one photo was scored.",
    )
    async def explain(
        request: Request, response: Response, name: _Name = "", what_if: _WhatIfCells = None
    ) -> ExplainedPhotos:
        """Score photos and say why: each region's vote and weight, and which regions are judged together.

        Sent and answered as /v1/score is, each photo with an `explanation`: null where there is no score.
        """
        scored = await run(request, name, lambda upload: inference.explain(upload, what_if))
        response.status_code = _common_status(scored)
        return ExplainedPhotos.of(scored)

    @router.get("/v1/models", responses=error_responses(401, 421))
    async def models() -> ServedModels:
        """The model that scores here: its scale, its evaluation and its licence."""
        return ServedModels(models=[_served_model(inference)])

    return router


def _request_body(max_files: int) -> dict[str, Any]:
    """Written out, for a body that is read as a stream has no type of its own."""
    files = {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": max_files}
    form = {"type": "object", "properties": {FORM_FIELD: files}, "required": [FORM_FIELD]}
    content = {FORM_TYPE: {"schema": form}, BINARY_TYPE: {"schema": _BINARY}, "image/*": {"schema": _BINARY}}
    return {"requestBody": {"required": True, "content": content}}


def _common_status(scored: Sequence[ScoredUpload]) -> int:
    """200 where a photo was scored, else the status of the first one's failure."""
    return 200 if any(one.status == 200 for one in scored) else scored[0].status


def _served_model(inference: Inference) -> ServedModel:
    card = inference.scorer.card
    return ServedModel(
        name=card.name,
        hash=card.short_hash,
        engine=inference.scorer.engine_name,
        scale=RatingScale(low=card.scale.low, high=card.scale.high, people=card.scale.people),
        licence=card.licence,
        notice=card.notice,
        metrics=card.metrics,
    )


# --- the gallery -----------------------------------------------------------------------------------------

_PhotoId = Annotated[
    str, Path(pattern="^([0-9]{1,18}|u[0-9a-f]{16})$", description="As /v1/photos gives it.")
]
_Score = Annotated[float | None, Query(allow_inf_nan=False)]
_Offset = Annotated[int, Query(ge=0, le=10**9)]
_Limit = Annotated[int, Query(ge=1, le=500)]

_JPEG: _Responses = {
    200: {"description": "A JPEG without metadata.", "content": {"image/jpeg": {"schema": _BINARY}}},
    304: {"description": "Not modified."},
}


def gallery_router(gallery: Gallery) -> APIRouter:
    router = APIRouter(prefix="/v1/photos", tags=["gallery"])
    failures = error_responses(401, 404, 421, 422, 429, 503)

    @router.get("", responses=error_responses(401, 421, 422, 429, 503), response_model_exclude_unset=True)
    async def photos(
        sort: Literal["score", "name", "taken", "folder"] = "score",
        order: Literal["asc", "desc"] | None = None,
        min: _Score = None,
        max: _Score = None,
        since: date | None = None,
        until: date | None = None,
        folder: Annotated[str, Query(max_length=4096, description="This one and those below.")] = "",
        text: Annotated[str, Query(max_length=200, description="A part of the path.")] = "",
        errors: Annotated[Literal["0", "1", "only"], Query(description="Photos without a score.")] = "1",
        offset: _Offset = 0,
        limit: _Limit = 200,
    ) -> PhotoPage:
        """Photos of the catalogue, best first or as `sort` says; those without a score come last."""
        wanted = Filter(
            model=gallery.card.short_hash,
            lowest=min,
            highest=max,
            since=since.isoformat() if since else None,
            until=until.isoformat() if until else None,
            folder=folder or None,
            text=text,
        )
        descending = order == "desc" if order else sort == "score"
        listing = Listing(wanted=wanted, order=sort, descending=descending, failures=errors)
        return await gallery.photos(listing, offset, limit)

    @router.get("/{id}", responses=failures)
    async def photo(id: _PhotoId) -> PhotoDetail:
        """One photo with the map and the graph of its regions; without them where it has no score."""
        row = await gallery.row(id)
        return PhotoDetail(photo=gallery_photo(row), detail=await gallery.photo_map(row))

    @router.get("/{id}/thumbnail", response_class=Response, responses=_JPEG | failures)
    async def thumbnail(request: Request, id: _PhotoId) -> Response:
        """The photo, at most 512 pixels a side."""
        return await picture_response(request, id, "thumbnail")

    @router.get("/{id}/picture", response_class=Response, responses=_JPEG | failures)
    async def picture(request: Request, id: _PhotoId) -> Response:
        """The photo, at most 1600 pixels a side."""
        return await picture_response(request, id, "picture")

    async def picture_response(request: Request, id: str, kind: PictureKind) -> Response:
        row = await gallery.row(id)
        tag = f"{row.sha256}-{kind}"
        return not_modified(request, tag) or tagged_response(
            await gallery.picture(row, kind), "image/jpeg", tag
        )

    return router
