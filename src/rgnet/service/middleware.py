"""The guard before every route: who may come in, what every answer bears, and what is counted.

Plain ASGI, so that a body streams through it untouched.
"""

from __future__ import annotations

import base64
import hmac
import logging
from time import perf_counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rgnet.page import POLICY
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings

OPEN_TO_ALL = ("/healthz", "/readyz")
METHODS = ("GET", "POST", "HEAD", "OPTIONS")
GONE = 499
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = logging.getLogger("rgnet.service")


class Guard:
    """Wraps an application of ASGI."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self.app, self.settings, self.metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await (self.refusal(scope) or self.app)(scope, receive, send_guarded)
        except ClientDisconnect:
            status = status or GONE
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if status:
                raise
            await failed(scope, receive, send_guarded)
        finally:
            self.count(scope, status, perf_counter() - start)

    def refusal(self, scope: Scope) -> JSONResponse | None:
        """The answer to who may not come in. A page elsewhere that calls itself by our address is among them.

        Health is told to anybody by any name, for who asks is often a machine beside us, and learns nothing.
        """
        if scope["path"] in OPEN_TO_ALL:
            return None
        headers = Headers(scope=scope)
        host = host_in(headers.get("host", ""))
        if "*" not in self.settings.hosts and host not in self.settings.hosts:
            reason = f"this service does not answer to the name {host!r}: add it to RGNET_HOSTS"
            return JSONResponse({"error": reason}, 421)
        if self.admits(headers.get("authorization", "")):
            return None
        reason = "expected this service's token: send  Authorization: Bearer TOKEN"
        challenge = {"WWW-Authenticate": 'Bearer realm="rgnet", Basic realm="rgnet", charset="UTF-8"'}
        return JSONResponse({"error": reason}, 401, challenge)

    def admits(self, authorization: str) -> bool:
        """Whether it bears the token: as a bearer, or as the password that a browser asks its user for."""
        if self.settings.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "basic":
            given = password_in(given)
        elif scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.strip().encode(), self.settings.token.encode())

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """By our own names of methods and routes, for a client's could be anything."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "none")
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)


async def failed(scope: Scope, receive: Receive, send: Send) -> None:
    answer = JSONResponse({"error": "the service failed; its log says how"}, 500)
    await answer(scope, receive, send)


def host_in(header: str) -> str:
    """The name in a Host header, without its port or an IPv6 address's brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def password_in(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
