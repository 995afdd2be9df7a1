"""Routes: health, metrics and scoring."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from rgnet.culling.crops import parse_ratio
from rgnet.errors import SettingError
from rgnet.service.inference import Inference, ScoredUpload
from rgnet.service.limits import Capacity, RequestRefused
from rgnet.service.metrics import Metrics
from rgnet.service.schemas import (
    SCORES_EXAMPLE,
    CroppedPhotos,
    ExplainedPhotos,
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
Ratio = Annotated[str, Query(max_length=20, description="Width to height: 16:9, 4:5 or 1.5; at most 1:10.")]
_CropSize = Annotated[
    float, Query(ge=0.3, le=1, description="Sides of a crop as a share of the largest one of this ratio.")
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

    @router.post(
        "/v1/crop",
        openapi_extra=body,
        responses=error_responses(*statuses, photos=CroppedPhotos),
        response_description="At least one photo was scored.",
    )
    async def crop(
        request: Request, response: Response, ratio: Ratio, size: _CropSize = 1.0, name: _Name = ""
    ) -> CroppedPhotos:
        """Find the best crop of photos to a ratio, in pixels.

        Sent and answered as /v1/score is, each photo with a `crop`: null where there is no score.
        """
        wanted = read_ratio(ratio)
        scored = await run(request, name, lambda upload: inference.crop(upload, wanted, size))
        response.status_code = _common_status(scored)
        return CroppedPhotos.of(scored)

    @router.get("/v1/models", responses=error_responses(401, 421))
    async def models() -> ServedModels:
        """The model that scores here: its scale, its evaluation and its licence."""
        return ServedModels(models=[_served_model(inference)])

    return router


def read_ratio(text: str) -> float:
    """Raises RequestRefused (422)."""
    try:
        return parse_ratio(text)
    except SettingError as problem:
        raise RequestRefused(422, str(problem)) from None


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
