"""Limits on requests: how much may be in flight at once, and what a client is told beyond that."""

from __future__ import annotations

import contextlib

from rgnet.errors import RgnetError

_RETRY_AFTER_S = 2


class RequestRefused(RgnetError):
    """A request that is turned down; becomes a response of this status with the reason as its `error`."""

    def __init__(self, status: int, reason: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers or {}


def _too_busy(reason: str) -> RequestRefused:
    headers = {"Retry-After": str(_RETRY_AFTER_S)}
    return RequestRefused(429, f"{reason}: try again in {_RETRY_AFTER_S} s", headers=headers)


class Capacity:
    """How many photos and bytes may be in flight at once. Belongs to one event loop."""

    def __init__(self, *, max_photos: int, max_bytes: int) -> None:
        self.max_photos, self.max_bytes = max_photos, max_bytes
        self.photos = self.bytes = 0

    def reserve(self) -> Reservation:
        return Reservation(self)


class Reservation(contextlib.AbstractContextManager["Reservation"]):
    """One request's share of the capacity, released when the request ends."""

    def __init__(self, capacity: Capacity) -> None:
        self.capacity = capacity
        self.photos = self.bytes = 0

    def add_photo(self) -> None:
        """Raises RequestRefused (429)."""
        if self.capacity.photos >= self.capacity.max_photos:
            raise _too_busy(f"{self.capacity.photos} photos are in flight already")
        self.capacity.photos += 1
        self.photos += 1

    def add_bytes(self, count: int) -> None:
        """Raises RequestRefused (429)."""
        if self.capacity.bytes + count > self.capacity.max_bytes:
            raise _too_busy(f"{self.capacity.bytes} bytes of photos are in flight already")
        self.capacity.bytes += count
        self.bytes += count

    def __exit__(self, *_exception: object) -> None:
        self.capacity.photos -= self.photos
        self.capacity.bytes -= self.bytes
        self.photos = self.bytes = 0
