"""The part of immich's HTTP API that finds assets by their path and rates them.

POST /api/search/metadata   {originalPath, withExif, size, page} -> {assets: {items, nextPage}}
PUT  /api/assets            {ids, rating}
PUT  /api/assets/{id}       {rating} -> the asset

A search by path ignores case and accents, finds the text anywhere in a path, and takes _ and % as wildcards: whoever
asks compares the paths found. "No rating" is null from immich 2.6 on, and 0 before, which later versions refuse.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rgnet.errors import ServerError, SettingError, need

if TYPE_CHECKING:
    import httpx

PER_SECOND = 10.0
FIRST_WAIT_S = 0.5  # doubled with every attempt
_PAGE = 1000
_ATTEMPTS = 6
_LONGEST_WAIT_S = 60.0
_TIMEOUT_S = 60.0
_EXPLAINED = {
    401: "the API key was refused: create one in immich under Account settings > API keys",
    403: "the API key lacks a permission: it needs asset.read and asset.update",
    404: "there is no immich API at this address: check --url",
}


class RequestRefused(ServerError):
    """immich understood a request and refused it (400), as for an asset of another user."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A photo in immich. path: on immich's machine; rating: stars, 0 for none; bytes: None where not known."""

    id: str
    path: str
    rating: int
    bytes: int | None


class Immich(contextlib.AbstractContextManager["Immich"]):
    """An immich server. Requests are spaced, and repeated while it is busy or out of reach.

    Every method raises ServerError.
    """

    def __init__(self, url: str, key: str) -> None:
        """url: of the web page, with or without /api. Raises SettingError."""
        self._httpx = need("httpx", extra="immich", purpose="writing to immich")
        self.url = _base_url(url)
        self._client: httpx.Client = self._httpx.Client(
            base_url=self.url, headers={"x-api-key": _header_value(key)}, timeout=_TIMEOUT_S
        )
        self._next = 0.0
        self._has_answered = False

    def __exit__(self, *_exception: object) -> None:
        self._client.close()

    def find_assets(self, **wanted: str) -> Iterator[Asset]:
        """Photos and videos by fields of immich's metadata search, such as originalPath or originalFileName."""
        page: int | None = 1
        while page is not None:
            query = {**wanted, "withExif": True, "size": _PAGE, "page": page}
            found = self._send("POST", "search/metadata", query)
            with self._reading():
                assets = found["assets"]
                yield from [_read_asset(item) for item in assets["items"]]
                following = assets.get("nextPage")
                page = int(following) if following and int(following) > page else None

    def rate_all(self, ids: Sequence[str], stars: int) -> None:
        """Rate several assets in one request, all or none. stars: 0 clears. Raises RequestRefused too."""
        self._rate("assets", {"ids": list(ids)}, stars)

    def rate_one(self, id: str, stars: int) -> Asset:
        """Rate one asset, and return it as it is then. Raises RequestRefused too."""
        answer = self._rate(f"assets/{id}", {}, stars)
        with self._reading():
            return _read_asset(answer)

    def _rate(self, path: str, body: dict[str, Any], stars: int) -> Any:
        if stars:
            return self._send("PUT", path, body | {"rating": stars})
        try:
            return self._send("PUT", path, body | {"rating": None})
        except RequestRefused:
            return self._send("PUT", path, body | {"rating": 0})

    # --- one request -----------------------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """The JSON of the answer; None where it is empty."""
        for attempt in range(_ATTEMPTS):
            last, wait_s = attempt == _ATTEMPTS - 1, FIRST_WAIT_S * 2.0**attempt
            try:
                self._wait_for_turn()
                answer = self._client.request(
                    method,
                    f"/api/{path}",
                    content=json.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
            except self._httpx.HTTPError as problem:
                if last or not self._has_answered:  # a wrong address needs no second try
                    raise ServerError(f"{self.url} cannot be reached ({problem}): check --url") from problem
                time.sleep(wait_s)
                continue
            self._has_answered = True
            if (answer.status_code == 429 or answer.status_code >= 500) and not last:
                time.sleep(_asked_wait_s(answer.headers.get("retry-after"), wait_s))
                continue
            return self._read(answer)
        raise AssertionError("the last attempt returns or raises")

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        if now < self._next:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + 1 / PER_SECOND

    def _read(self, answer: httpx.Response) -> Any:
        status = answer.status_code
        if answer.is_redirect:
            target = answer.headers.get("location", "another address")
            raise ServerError(f"{self.url} refers to {target}: pass that address as --url")
        if status in _EXPLAINED:
            raise ServerError(f"{self.url}: {_EXPLAINED[status]}")
        if status == 400:
            raise RequestRefused(f"{self.url} refused the request ({_message(answer)})")
        if not answer.is_success:
            raise ServerError(f"{self.url} answered {status} ({_message(answer)}): try again later")
        if not answer.content:
            return None
        try:
            return answer.json()
        except ValueError:  # a page, where the API should be
            raise ServerError(f"{self.url}: {_EXPLAINED[404]}") from None

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise ServerError(
                f"{self.url} answered something other than immich's API does ({problem!r}): check --url, "
                "and that its version is one that the documentation names"
            ) from problem


def _base_url(url: str) -> str:
    base = url.rstrip("/").removesuffix("/api").rstrip("/")
    scheme, _, host = base.partition("://")
    if scheme not in ("http", "https") or not host:
        raise SettingError(f"--url: expected an address such as http://nas.local:2283, found {url!r}")
    return base


def _header_value(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingError("the API key file: expected one line with the key, as immich shows it once")
    return key


def _read_asset(item: dict[str, Any]) -> Asset:
    exif = item.get("exifInfo") or {}
    size = exif.get("fileSizeInByte")
    return Asset(
        id=str(item["id"]),
        path=str(item["originalPath"]),
        rating=int(exif.get("rating") or 0),
        bytes=None if size is None else int(size),
    )


def _message(answer: httpx.Response) -> str:
    """What immich says, in one line."""
    try:
        said = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    words = ", ".join(map(str, said)) if isinstance(said, list) else str(said)
    return " ".join(words.split())[:200]


def _asked_wait_s(retry_after: str | None, default: float) -> float:
    """Seconds that the server asks for, if it does so in seconds, and not for ever."""
    try:
        return min(max(float(retry_after or ""), 0.0), _LONGEST_WAIT_S)
    except ValueError:
        return default
