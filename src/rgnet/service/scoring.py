"""Routes that take photos: each is received, seen at the desk, and told of."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rgnet.service.inference import Desk
from rgnet.service.room import Room
from rgnet.service.schemas import EXAMPLE, as_json, described, named, refusals, told
from rgnet.service.settings import Settings
from rgnet.service.uploads import BARE, FIELD, FORM, received

MOST_CELLS = 10
BINARY = {"type": "string", "format": "binary"}
Name = Annotated[
    str,
    Query(
        max_length=1000, description="What to call a photo that is the body itself; only text in the answer."
    ),
]
Cells = Annotated[
    int | None,
    Query(
        ge=2, le=MOST_CELLS, description="Also cover the cells of a grid with so many a side; left out: none."
    ),
]


def body(files: dict[str, Any]) -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {FIELD: files},
        "required": [FIELD],
        "additionalProperties": False,
    }
    content = {FORM: {"schema": form}, BARE: {"schema": BINARY}, "image/*": {"schema": BINARY}}
    return {"requestBody": {"required": True, "content": content}}


def routes(desk: Desk, room: Room, settings: Settings) -> APIRouter:
    router = APIRouter(tags=["scoring"])
    several = {"type": "array", "items": BINARY, "minItems": 1, "maxItems": settings.max_files}
    refused = refusals(400, 401, 408, 413, 415, 421, 422, 429, also="Answers")
    good = {200: described("At least one photo was scored.", named("Answers"), EXAMPLE)}
    models_are = {200: described("Models that score here.", named("Models"))} | refusals(401, 421)

    @router.post("/v1/score", openapi_extra=body(several), responses=good | refused)
    async def score(request: Request, name: Name = "") -> Response:
        """Score photos: a form's field `files`, one or many, or one photo as the body.

        A photo that cannot be scored has a record with its `error`. The status is 200 where at least one was
        scored, else 415 or 422 as the first one's failure is.
        """
        with room.enter() as stay:
            uploads = await received(request.stream(), request.headers, name, stay, settings)
            answers = await asyncio.gather(*map(desk.score, uploads))
        return told(answers)

    good = {200: described("At least one photo was scored.", named("Explanations"))}

    @router.post("/v1/explain", openapi_extra=body(several), responses=good | refused)
    async def explain(request: Request, name: Name = "", what_if: Cells = None) -> Response:
        """Score photos and say why: every region's vote and weight, and the regions each is judged together with.

        Sent and answered as /v1/score is, each answer with an `explanation`: null where there is no score.
        """
        with room.enter() as stay:
            uploads = await received(request.stream(), request.headers, name, stay, settings)
            answers = await asyncio.gather(*(desk.explain(upload, what_if) for upload in uploads))
        return told(answers, explained=True)

    @router.get("/v1/models", responses=models_are)
    async def models() -> Response:
        """The model that scores here: its scale, its exam and its licence."""
        return as_json({"models": [model_of(desk)]})

    return router


def model_of(desk: Desk) -> dict[str, Any]:
    card = desk.scorer.card
    return {
        "name": card.name,
        "hash": card.short_hash,
        "engine": desk.scorer.engine_name,
        "scale": {"low": card.scale.low, "high": card.scale.high, "people": card.scale.people},
        "licence": card.licence,
        "notice": card.notice,
        "metrics": card.metrics,
    }
