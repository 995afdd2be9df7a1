"""Requests that are not answered with a score: the status, the reason, and for whom it is."""

from __future__ import annotations

from rgnet.errors import RgnetError

LATER_S = 2


class Refused(RgnetError):
    """A request that is turned down; becomes an answer of this status with the reason as its `error`."""

    def __init__(self, status: int, reason: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = headers or {}


def busy(reason: str) -> Refused:
    return Refused(429, f"{reason}: try again in {LATER_S} s", headers={"Retry-After": str(LATER_S)})
