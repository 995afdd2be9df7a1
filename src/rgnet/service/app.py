"""The application: routes, middleware and inference put together."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

import rgnet
from rgnet.errors import CatalogueError, OutputError
from rgnet.service import pages, routes
from rgnet.service.gallery import Gallery
from rgnet.service.gallery_catalogue import check_catalogue
from rgnet.service.gallery_routes import gallery_router, marks_router
from rgnet.service.inference import Inference
from rgnet.service.limits import Capacity, RequestRefused
from rgnet.service.metrics import Metrics
from rgnet.service.middleware import AccessMiddleware, ResponseMiddleware
from rgnet.service.schemas import JSONLineResponse
from rgnet.service.settings import Settings, read_settings

_log = logging.getLogger("rgnet.service")

_SUMMARY = "How beautiful is a photograph, and why."


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; default: with the settings of the environment.

    Raises what `rgnet.load` raises, CatalogueError and SettingError: before anything is served.
    """
    settings = settings or read_settings()
    capacity = Capacity(max_photos=settings.max_waiting, max_bytes=settings.max_held)
    metrics = Metrics(capacity)
    inference = Inference(rgnet.load(settings.model, threads=settings.threads), settings, metrics)
    gallery = _open_gallery(inference, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with inference.running(), gallery.running() if gallery else contextlib.nullcontext():
            yield

    app = FastAPI(
        title="rgnet",
        summary=_SUMMARY,
        version=rgnet.__version__,
        lifespan=lifespan,
        # Relative to this document, for the service may stand under a path
        servers=[{"url": "."}],
        # A redirect names scheme and path as this process sees them, not as a client of a proxy does
        redirect_slashes=False,
        default_response_class=JSONLineResponse,
        docs_url=None,
        redoc_url=None,
    )
    app.state.inference, app.state.metrics = inference, metrics
    app.include_router(routes.health_router(metrics))
    app.include_router(pages.docs_router())
    for router in (
        routes.scoring_router(inference, capacity, settings),
        *_gallery_routers(gallery, settings),
    ):
        app.include_router(router, dependencies=_token_in_openapi(settings))
    _add_error_handlers(app)
    _add_middleware(app, settings, metrics)
    return app


def _open_gallery(inference: Inference, settings: Settings) -> Gallery | None:
    if settings.catalogue is None:
        return None
    card = inference.scorer.card
    check_catalogue(settings.catalogue, card.name, card.short_hash)
    return Gallery(inference, settings.catalogue, settings)


def _gallery_routers(gallery: Gallery | None, settings: Settings) -> Sequence[APIRouter]:
    if gallery is None:
        return (pages.no_page_router(),)
    return pages.page_router(), gallery_router(gallery, settings), marks_router(gallery, settings)


def _token_in_openapi(settings: Settings) -> list[Any]:
    """So that OpenAPI says how to send the token; AccessMiddleware checks it, before any route."""
    return [Security(HTTPBearer(auto_error=False))] if settings.token else []


def _add_middleware(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    """The last one added comes first."""
    app.add_middleware(AccessMiddleware, settings=settings)
    app.add_middleware(ResponseMiddleware, metrics=metrics)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type"),
        )


# --- errors ----------------------------------------------------------------------------------------------


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(RequestRefused)
    async def refused(_request: Request, problem: RequestRefused) -> Response:
        return JSONLineResponse({"error": str(problem)}, problem.status, problem.headers)

    @app.exception_handler(HTTPException)
    async def no_route(_request: Request, problem: HTTPException) -> Response:
        return JSONLineResponse({"error": problem.detail}, problem.status_code, problem.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, problem: RequestValidationError) -> Response:
        reasons = (f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors())
        return JSONLineResponse({"error": "; ".join(reasons)}, 422)

    @app.exception_handler(CatalogueError)
    @app.exception_handler(OutputError)
    async def unreadable(_request: Request, problem: CatalogueError | OutputError) -> Response:
        _log.error("%s", problem)
        return JSONLineResponse(
            {"error": "the catalogue cannot be read or written now; the service's log says why"}, 503
        )
