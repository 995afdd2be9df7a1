"""The HTTP server: a socket, limits on connections, and a graceful shutdown."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
import prometheus_client
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from rgnet.errors import SettingError
from rgnet.service.metrics import Metrics
from rgnet.service.settings import Settings

_KEEP_ALIVE_S = 30
_LOG_AGAIN_S = 60.0
# Files that the service opens besides connections: pipes of decoders, catalogue, libraries
_FILES_BESIDES_CONNECTIONS = 128

_log = logging.getLogger("rgnet.service")


class _Connection(H11Protocol):
    """A connection that is closed when a request's head takes too long, or when too many are open.

    Without it, a client that connects and stays silent holds a connection for ever, and the service is deaf once
    the process has no file descriptor left.
    """

    def __init__(self, *arguments: Any, limits: _ConnectionLimits, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limits = limits
        self._head_timer: asyncio.TimerHandle | None = None
        self.idle_since = time.monotonic()

    @property
    def is_idle(self) -> bool:
        """No request is being received or answered: only a head, or nothing, is still awaited."""
        return self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head_timer()
        self._limits.make_room_for(self, self.connections)

    def data_received(self, data: bytes) -> None:
        if self.is_idle and self._head_timer is None:
            self._start_head_timer()
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        if not self.is_idle:
            self._stop_head_timer()

    def on_response_complete(self) -> None:
        self.idle_since = time.monotonic()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def drop(self, reason: str) -> None:
        """Close at once, without a response: nobody has asked anything yet."""
        self._stop_head_timer()
        # Also those from whom nothing is heard any more, so that the limit holds
        self.connections.discard(self)
        self.transport.abort()
        self._limits.dropped(reason)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self._limits.head_s, self.drop, "slow")

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _ConnectionLimits:
    """What all connections of a server share. head_s: seconds a request's head may take to arrive."""

    def __init__(self, *, max_connections: int, head_s: float, metrics: Metrics) -> None:
        self.max_connections, self.head_s, self._metrics = max_connections, head_s, metrics
        self._logged_at: dict[str, float] = {}

    def make_room_for(self, new: _Connection, connections: set[Any]) -> None:
        """Close the connection that is idle longest if one more than allowed is open, or the new one."""
        if len(connections) <= self.max_connections:
            return
        idle = (one for one in connections if isinstance(one, _Connection) and one.is_idle and one is not new)
        min(idle, key=lambda one: one.idle_since, default=new).drop("many")

    def dropped(self, reason: str) -> None:
        """Count it, and log it once a minute at most."""
        self._metrics.connections_dropped.labels(reason).inc()
        now = time.monotonic()
        if now - self._logged_at.get(reason, -_LOG_AGAIN_S) < _LOG_AGAIN_S:
            return
        self._logged_at[reason] = now
        if reason == "slow":
            _log.warning("closing connections that send no request within %g s (RGNET_HEAD_S)", self.head_s)
        else:
            _log.warning(
                "%d connections are open (RGNET_MAX_CONNECTIONS): closing those idle longest",
                self.max_connections,
            )


class _Server(uvicorn.Server):
    """Calls `ready` once it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()


def serve(app: FastAPI, listener: socket.socket, settings: Settings, *, ready: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM; then no new connection is accepted, and accepted requests have stop_s to complete."""
    # Creation times would triple what Prometheus has to keep
    prometheus_client.disable_created_metrics()
    # What is malformed is said to the client; in the log it would be a line per request
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_is_worth_logging)
    limits = _ConnectionLimits(
        max_connections=min(settings.max_connections, _files_for_connections(settings.max_connections)),
        head_s=settings.head_s,
        metrics=app.state.metrics,
    )
    config = uvicorn.Config(
        app,
        http=partial(_Connection, limits=limits),  # type: ignore[arg-type]
        log_level="warning",
        access_log=False,
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(settings.stop_s),
    )
    # uvicorn raises the signal again when all is done: to be asked to stop is no failure
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _Server(config, ready).run(sockets=[listener])


def _is_worth_logging(record: logging.LogRecord) -> bool:
    return record.getMessage() not in ("Invalid HTTP request received.", "Unsupported upgrade request.")


def _files_for_connections(wanted: int) -> int:
    """How many connections the limit on open files leaves, once it is raised as far as this process may."""
    try:
        import resource
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _FILES_BESIDES_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, soft - _FILES_BESIDES_CONNECTIONS)


def listen(host: str, port: int) -> socket.socket:
    """A socket at the first address of the host; port 0 takes a free one. Raises SettingError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as problem:
        reason = problem.strerror or problem
        raise SettingError(
            f"cannot listen on {host}:{port} ({reason}): choose another --port, or an address of this machine"
        ) from problem
