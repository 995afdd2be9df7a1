"""Who may change something through the gallery.

With a token, whoever has it. Without one, only somebody at this machine: the connection comes from it, calls it by a
name of its own, and was not passed on by a proxy as far as headers tell. Never a page of another site, also not one of
RGNET_ORIGINS, which may send photos.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from rgnet.service.limits import RequestRefused
from rgnet.service.middleware import host_name, is_cross_site
from rgnet.service.settings import Settings

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Allowed:
    """mark: photos, and write their sidecars; open: photos in the viewer of the machine that serves them."""

    mark: bool
    open: bool


def find_allowed(request: Request, settings: Settings) -> Allowed:
    here = _is_from_here(request)
    return Allowed(mark=here or settings.token is not None, open=here)


def make_checks(settings: Settings) -> tuple[Callable[[Request], None], Callable[[Request], None]]:
    """Dependencies of routes that mark or write, and of those that open. Each raises RequestRefused (403)."""

    def may_mark(request: Request) -> None:
        _refuse_other_sites(request)
        if not find_allowed(request, settings).mark:
            raise RequestRefused(
                403,
                "only the machine that serves may change something here: start the service with --token-file",
            )

    def may_open(request: Request) -> None:
        _refuse_other_sites(request)
        if not find_allowed(request, settings).open:
            raise RequestRefused(403, "only the machine that serves may open a photo in its viewer")

    return may_mark, may_open


def _refuse_other_sites(request: Request) -> None:
    if is_cross_site(request.headers, allowed=()):
        raise RequestRefused(403, "a page of another site may not change anything here")


def _is_from_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.client.host) and is_loopback(host_name(request.headers.get("host", "")))


def is_loopback(host: str) -> bool:
    """Whether a name or an address means this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
