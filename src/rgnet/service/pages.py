"""Pages for people, each of a few files from this package: the gallery at / and the API at /docs."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from importlib import resources

from fastapi import APIRouter, Request, Response

from rgnet import page
from rgnet.service.limits import RequestRefused

# /docs: Swagger UI, started by a script of its own because the Content-Security-Policy allows no inline script.
# Its addresses are relative, so that the service may stand under a path.
_DOCS_HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>rgnet: API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_DOCS_SCRIPT = """"use strict";
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  validatorUrl: null,
});
"""


def docs_router() -> APIRouter:
    """The API for people, at /docs. Everything it shows comes from this service."""
    assets = resources.files("fastapi_swagger.resources")
    return _static_router(
        {
            "/docs": ("text/html", _DOCS_HTML.encode()),
            "/docs/start.js": ("text/javascript", _DOCS_SCRIPT.encode()),
            "/docs/swagger-ui.css": ("text/css", assets.joinpath("swagger-ui.css").read_bytes()),
            "/docs/swagger-ui-bundle.js": (
                "text/javascript",
                assets.joinpath("swagger-ui-bundle.js").read_bytes(),
            ),
        }
    )


def page_router() -> APIRouter:
    """The gallery's page; its addresses are relative to it."""
    return _static_router(
        {
            "/": ("text/html", page.render_served().encode()),
            "/page.js": ("text/javascript", page.read_script().encode()),
            "/page.css": ("text/css", page.read_style().encode()),
        }
    )


def no_page_router() -> APIRouter:
    """What / says without a catalogue."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    async def root() -> Response:
        raise RequestRefused(
            404, "there is no gallery here: start the service with --catalogue FILE; the API is at /docs"
        )

    return router


def _static_router(files: dict[str, tuple[str, bytes]]) -> APIRouter:
    """Files by their path: (media type, content)."""
    router = APIRouter(include_in_schema=False)
    for path, (media_type, content) in files.items():
        router.add_api_route(path, _static_route(content, media_type), methods=["GET"])
    return router


def _static_route(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    tag = hashlib.sha256(content).hexdigest()[:32]

    async def static_file(request: Request) -> Response:
        return not_modified(request, tag) or tagged_response(content, media_type, tag)

    return static_file


def tagged_response(content: bytes, media_type: str, tag: str) -> Response:
    return Response(content, headers=_cache_headers(tag), media_type=media_type)


def not_modified(request: Request, tag: str) -> Response | None:
    """304 where the client has this already."""
    if f'"{tag}"' not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers=_cache_headers(tag))


def _cache_headers(tag: str) -> dict[str, str]:
    """Always revalidated, at the price of a 304: another catalogue has other photos by the same ids."""
    return {"Cache-Control": "private, no-cache", "ETag": f'"{tag}"'}
