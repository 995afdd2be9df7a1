"""Routes for who looks after the service: is it alive, is it ready, what has it done."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from rgnet.service.metrics import Metrics
from rgnet.service.schemas import as_json, described, named, refusals


def routes(metrics: Metrics) -> APIRouter:
    router = APIRouter(tags=["operation"])
    status = {200: described("It is.", named("Status"))}
    counts = {200: {"description": "Counts.", "content": {"text/plain": {"schema": {"type": "string"}}}}}

    @router.get("/healthz", responses=status)
    async def healthz() -> Response:
        """Alive: the process answers."""
        return as_json({"status": "ok"})

    @router.get("/readyz", responses=status)
    async def readyz() -> Response:
        """Ready: the network and the decoding processes have answered once. Before that nothing is answered."""
        return as_json({"status": "ready"})

    @router.get("/metrics", response_class=Response, responses=counts | refusals(401, 421))
    async def prometheus() -> Response:
        """For Prometheus, in its text format."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
