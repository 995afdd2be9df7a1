"""Prometheus metrics; every application has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from rgnet.scorer import BATCH
from rgnet.service.limits import Capacity

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


class Metrics:
    """The names are public: docs/deployment.md lists them."""

    def __init__(self, capacity: Capacity) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.requests = Counter(
            "rgnet_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "rgnet_request_seconds",
            "From a request's head to the end of its response.",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.photos = Counter("rgnet_photos", "Photos scored or failed.", ("outcome",), registry=registry)
        self.decode_seconds = Histogram(
            "rgnet_decode_seconds",
            "A photo's wait for a process and its decoding.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_photos = Histogram(
            "rgnet_batch_photos", "Photos per batch.", buckets=range(1, BATCH + 1), registry=registry
        )
        self.decoders_lost = Counter(
            "rgnet_decoders_lost", "Decoding processes that crashed or took too long.", registry=registry
        )
        self.connections_dropped = Counter(
            "rgnet_connections_dropped",
            "Connections closed before a complete request head: too slow, or too many open.",
            ("reason",),
            registry=registry,
        )
        waiting = Gauge("rgnet_photos_waiting", "Photos in flight.", registry=registry)
        waiting.set_function(lambda: capacity.photos)
        held = Gauge("rgnet_bytes_held", "Bytes of photos in flight.", registry=registry)
        held.set_function(lambda: capacity.bytes)

    def text(self) -> bytes:
        return generate_latest(self.registry)
