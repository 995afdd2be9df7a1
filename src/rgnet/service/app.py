"""The application: routes, guard and desk put together."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

import rgnet
from rgnet.errors import CatalogueError, OutputError, RgnetError
from rgnet.service import health, photos, scoring, shelf
from rgnet.service.gallery import Gallery
from rgnet.service.inference import Desk
from rgnet.service.metrics import Metrics
from rgnet.service.middleware import Guard
from rgnet.service.refusals import Refused
from rgnet.service.room import Room
from rgnet.service.schemas import SCHEMAS, as_json
from rgnet.service.settings import Settings

log = logging.getLogger("rgnet.service")

SUMMARY = "How beautiful is a photograph, and why."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; `settings` left out are those of the environment.

    Raises what `rgnet.load` raises, CatalogueError and SettingError: before anything is answered.
    """
    settings = settings or Settings.of(os.environ)
    room = Room(photos=settings.max_waiting, size=settings.max_held)
    metrics = Metrics(room)
    desk = Desk(rgnet.load(settings.model, threads=settings.threads), settings, metrics)

    gallery = gallery_of(desk, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with desk.working(), gallery.working() if gallery else contextlib.nullcontext():
            yield

    app = FastAPI(
        title="rgnet",
        summary=SUMMARY,
        version=rgnet.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.desk = desk
    app.include_router(health.routes(metrics))
    app.include_router(scoring.routes(desk, room, settings))
    shown = (photos.page_routes(), photos.photo_routes(gallery)) if gallery else (photos.no_gallery(),)
    for router in shown:
        app.include_router(router)
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_middleware(Guard, settings=settings, metrics=metrics)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
        )
    app.openapi = lambda: described(app)
    return app


def gallery_of(desk: Desk, settings: Settings) -> Gallery | None:
    if settings.catalogue is None:
        return None
    card = desk.scorer.card
    shelf.check(settings.catalogue, card.name, card.short_hash)
    return Gallery(desk, settings)


def described(app: FastAPI) -> dict[str, Any]:
    """What /openapi.json says; made when first asked for."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, summary=app.summary, version=app.version, routes=app.routes)
        found.setdefault("components", {})["schemas"] = SCHEMAS
        app.openapi_schema = found
    return app.openapi_schema


async def refused(_request: Request, problem: Refused) -> Response:
    return as_json({"error": str(problem)}, problem.status, problem.headers)


async def no_route(_request: Request, problem: HTTPException) -> Response:
    return as_json({"error": problem.detail}, problem.status_code, problem.headers)


async def senseless(_request: Request, problem: RequestValidationError) -> Response:
    reasons = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problem.errors())
    return as_json({"error": "; ".join(reasons)}, 422)


async def unreadable(_request: Request, problem: RgnetError) -> Response:
    log.error("%s", problem)
    return as_json({"error": "the catalogue cannot be read now; the service's log says why"}, 503)


HANDLERS = {
    Refused: refused,
    HTTPException: no_route,
    RequestValidationError: senseless,
    CatalogueError: unreadable,
    OutputError: unreadable,
}
