"""What a service counts, for Prometheus; every application has a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from rgnet.scorer import BATCH
from rgnet.service.room import Room

SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)


class Metrics:
    """The names are part of what is promised: docs/deployment.md lists them."""

    def __init__(self, room: Room) -> None:
        self.registry = known = CollectorRegistry()
        ProcessCollector(registry=known)
        self.requests = Counter(
            "rgnet_requests", "Requests answered.", ("method", "route", "status"), registry=known
        )
        self.request_seconds = Histogram(
            "rgnet_request_seconds",
            "From a request's head to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=known,
        )
        self.photos = Counter("rgnet_photos", "Photos answered.", ("outcome",), registry=known)
        self.decode_seconds = Histogram(
            "rgnet_decode_seconds",
            "A photo's wait for a process and its decoding.",
            buckets=SECONDS,
            registry=known,
        )
        self.batch_photos = Histogram(
            "rgnet_batch_photos", "Photos in a batch.", buckets=range(1, BATCH + 1), registry=known
        )
        self.decoders_lost = Counter(
            "rgnet_decoders_lost", "Decoding processes that ended or took too long.", registry=known
        )
        waiting = Gauge("rgnet_photos_waiting", "Photos in hand.", registry=known)
        waiting.set_function(lambda: room.photos)
        held = Gauge("rgnet_bytes_held", "Bytes of photos in hand.", registry=known)
        held.set_function(lambda: room.bytes)

    def text(self) -> bytes:
        return generate_latest(self.registry)
