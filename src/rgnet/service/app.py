"""The application: routes, guard and desk put together."""

from __future__ import annotations

import contextlib
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
from rgnet.service import health, scoring
from rgnet.service.answers import SCHEMAS, as_json
from rgnet.service.desk import Desk
from rgnet.service.guard import Guard
from rgnet.service.metrics import Metrics
from rgnet.service.refusals import Refused
from rgnet.service.room import Room
from rgnet.service.settings import Settings

SUMMARY = "How beautiful is a photograph, and why."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; `settings` left out are those of the environment.

    Raises what `rgnet.load` raises, CatalogueError and SettingError: before anything is answered.
    """
    settings = settings or Settings.of(os.environ)
    room = Room(photos=settings.max_waiting, size=settings.max_held)
    metrics = Metrics(room)
    desk = Desk(rgnet.load(settings.model, threads=settings.threads), settings, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with desk.working():
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


HANDLERS = {Refused: refused, HTTPException: no_route, RequestValidationError: senseless}
