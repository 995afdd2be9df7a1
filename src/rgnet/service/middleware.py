"""Middleware for authentication, security headers and request metrics.

Plain ASGI, so that a body streams through it untouched.
"""

from __future__ import annotations

import base64
import hmac
import logging
from collections.abc import Sequence
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rgnet.page import CONTENT_SECURITY_POLICY
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings

_HEALTH_PATHS = ("/healthz", "/readyz")
_CLIENT_CLOSED_REQUEST = 499
_SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_COUNTED_METHODS = ("GET", "POST", "HEAD", "OPTIONS")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

_log = logging.getLogger("rgnet.service")


class ResponseMiddleware:
    """Every response gets security headers and is counted; HEAD is GET without its body; a failure of ours is a 500."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, start, status = scope["method"], perf_counter(), 0
        scope = {**scope, "method": "GET" if method == "HEAD" else method}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message))
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except ClientDisconnect:
            status = status or _CLIENT_CLOSED_REQUEST
        except Exception:
            _log.exception("%s %s failed", method, scope["path"])
            if status:
                raise
            failure = JSONResponse({"error": "internal error: see the log of the service"}, 500)
            await failure(scope, receive, send_with_headers)
        finally:
            self._count(method, scope, status, perf_counter() - start)

    def _count(self, method: str, scope: Scope, status: int, seconds: float) -> None:
        """By our own names of methods and routes, for a client's could be anything."""
        route = getattr(scope.get("route"), "path", "none")
        method = method if method in _COUNTED_METHODS else "other"
        self.metrics.requests.labels(method, route, status).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)


def _add_headers(headers: MutableHeaders) -> None:
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers.setdefault("Cache-Control", "no-store")


class AccessMiddleware:
    """Who may call: by the name they call the service, by the page they come from, and by their token.

    Health checks are open to anybody by any name: whoever asks is often a machine nearby, and learns nothing.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and scope["path"] not in _HEALTH_PATHS:
            app = self._refusal(scope["method"], Headers(scope=scope)) or app
        await app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        host = host_name(headers.get("host", ""))
        if "*" not in self.settings.hosts and host not in self.settings.hosts:
            reason = f"this service does not answer to the name {host!r}: add it to RGNET_HOSTS"
            return JSONResponse({"error": reason}, 421)
        if method not in _SAFE_METHODS and is_cross_site(headers, allowed=self.settings.origins):
            reason = "a page of another site may not send photos: add its origin to RGNET_ORIGINS"
            return JSONResponse({"error": reason}, 403)
        if not self._has_token(headers.get("authorization", "")):
            reason = "expected this service's token: send  Authorization: Bearer TOKEN"
            challenge = {"WWW-Authenticate": 'Bearer realm="rgnet", Basic realm="rgnet", charset="UTF-8"'}
            return JSONResponse({"error": reason}, 401, challenge)
        return None

    def _has_token(self, authorization: str) -> bool:
        """As a bearer token, or as the password that a browser asks its user for."""
        if self.settings.token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "basic":
            given = _basic_password(given)
        elif scheme.lower() != "bearer":
            return False
        expected = self.settings.token.get_secret_value()
        return hmac.compare_digest(given.strip().encode(), expected.encode())


def is_cross_site(headers: Headers, *, allowed: Sequence[str]) -> bool:
    """Whether a browser sends this for a page of another origin that is not allowed.

    Programs send neither of these headers.
    """
    origin = headers.get("origin")
    if origin is not None and (origin in allowed or "*" in allowed):
        return False
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def host_name(header: str) -> str:
    """The name in a Host header, without its port or an IPv6 address's brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _basic_password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
