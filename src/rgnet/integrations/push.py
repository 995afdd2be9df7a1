"""Stars of photos into immich, folder by folder: look, decide, write, look again.

Nothing is overwritten that rgnet did not write (`ledger.decide`). What was written is read back, so that a version of
immich that ignores a request is found out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

from rgnet.integrations.immich import Asset, Immich, RequestRefused
from rgnet.integrations.ledger import Action, Ledger, decide
from rgnet.integrations.mapping import PathMapping, comparable

_BATCH = 200
# Up to so many photos of a folder are asked for one by one: a search by folder also finds what lies below it
_FEW = 2


@dataclass(frozen=True, slots=True)
class RatedPhoto:
    """A photo of this machine. stars: that it should have, 0 to undo; bytes: None where not known."""

    path: str
    stars: int
    bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes, or became, of a photo's rating.

    action: set, undo, unchanged or keep (a person's rating); missing: immich does not have the photo; failed: see error
    theirs: its path in immich
    before, after: stars, 0 for none
    """

    photo: RatedPhoto
    theirs: str
    action: Action | Literal["missing", "failed"]
    asset: Asset | None = None
    after: int = 0
    error: str = ""

    @property
    def before(self) -> int:
        return self.asset.rating if self.asset else 0


def push_ratings(
    photos: Iterable[RatedPhoto],
    server: Immich,
    ledger: Ledger,
    mapping: PathMapping,
    *,
    write: bool,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Outcome]:
    """What becomes of every photo, an outcome for each asset; with `write` it is done.

    stop: asked between folders. Raises ServerError and OutputError; what was written until then is in the ledger.
    """
    folders: dict[str, dict[str, RatedPhoto]] = defaultdict(dict)
    for photo in photos:
        theirs = mapping.theirs(photo.path)
        folders[str(PurePosixPath(theirs).parent)][comparable(theirs)] = photo
    for folder, wanted in folders.items():
        if stop():
            return
        outcomes = list(_plan(folder, wanted, server, ledger))
        yield from _write(folder, outcomes, server, ledger) if write else outcomes


def suggest_mapping(photo: RatedPhoto, server: Immich) -> str | None:
    """The path of a photo of the same name in immich, if there is one."""
    name = PurePosixPath(PathMapping().theirs(photo.path)).name
    same = (asset.path for asset in server.find_assets(originalFileName=name))
    return next((path for path in same if PurePosixPath(path).name == name), None)


# --- look and decide -------------------------------------------------------------------------------------


def _plan(folder: str, wanted: dict[str, RatedPhoto], server: Immich, ledger: Ledger) -> Iterator[Outcome]:
    sendable = {theirs: photo for theirs, photo in wanted.items() if _is_text(theirs)}
    found = _find(server, folder, sendable)
    for theirs, photo in wanted.items():
        if theirs not in sendable:
            yield Outcome(photo, theirs, "failed", error="its name is not text (UTF-8): rename the file")
        elif theirs not in found:
            yield Outcome(photo, theirs, "missing")
        for asset in found.get(theirs, ()):
            yield _decide(photo, asset, ledger)


def _find(server: Immich, folder: str, wanted: Iterable[str]) -> dict[str, list[Asset]]:
    """The assets of each path; several where several people have the photo."""
    paths = set(wanted)
    parts = sorted(paths) if len(paths) <= _FEW else [f"{folder.rstrip('/')}/"]
    found: dict[str, dict[str, Asset]] = defaultdict(dict)
    for part in parts:
        for asset in server.find_assets(originalPath=part):
            if (path := comparable(asset.path)) in paths:
                found[path][asset.id] = asset
    return {path: list(assets.values()) for path, assets in found.items()}


def _is_text(path: str) -> bool:
    """File names may hold any byte, and those that are not text stand for bytes that JSON cannot hold."""
    return not any("\ud800" <= char <= "\udfff" for char in path)


def _decide(photo: RatedPhoto, asset: Asset, ledger: Ledger) -> Outcome:
    if photo.stars and None not in (photo.bytes, asset.bytes) and photo.bytes != asset.bytes:
        error = (
            f"immich has a different file there ({asset.bytes} bytes, expected {photo.bytes}): check --map"
        )
        return Outcome(photo, asset.path, "failed", asset, error=error)
    action = decide(asset.rating, ledger.ours(asset.id, asset.rating), photo.stars)
    after = photo.stars if action in ("set", "undo") else asset.rating
    return Outcome(photo, asset.path, action, asset, after)


# --- write and look again --------------------------------------------------------------------------------


def _write(folder: str, outcomes: list[Outcome], server: Immich, ledger: Ledger) -> Iterator[Outcome]:
    changes = {o.asset.id: o for o in outcomes if o.asset and o.action in ("set", "undo")}
    by_stars: dict[int, list[str]] = defaultdict(list)
    for id, outcome in changes.items():
        by_stars[outcome.after].append(id)
    for stars, ids in by_stars.items():
        for start in range(0, len(ids), _BATCH):
            _rate_batch(server, ledger, ids[start : start + _BATCH], stars)
    now = _ratings_now(folder, changes.values(), server)
    for outcome in outcomes:
        changed = outcome.asset is not None and outcome.asset.id in changes
        yield _settle(outcome, outcome.asset, now, server, ledger) if changed and outcome.asset else outcome


def _rate_batch(server: Immich, ledger: Ledger, ids: list[str], stars: int) -> None:
    """One refused asset refuses the batch: then each is rated on its own, after another look."""
    ledger.announce(ids, stars)
    try:
        server.rate_all(ids, stars)
    except RequestRefused:
        return


def _ratings_now(folder: str, changes: Iterable[Outcome], server: Immich) -> dict[str, int]:
    paths = {comparable(outcome.theirs) for outcome in changes}
    found = _find(server, folder, paths) if paths else {}
    return {asset.id: asset.rating for assets in found.values() for asset in assets}


def _settle(outcome: Outcome, asset: Asset, now: dict[str, int], server: Immich, ledger: Ledger) -> Outcome:
    rating = now.get(asset.id, asset.rating)
    if rating == asset.rating:  # nothing has happened yet
        try:
            rating = server.rate_one(asset.id, outcome.after).rating
        except RequestRefused as problem:
            ledger.withdraw([asset.id])
            return replace(outcome, action="failed", after=asset.rating, error=str(problem))
    if rating == asset.rating:
        ledger.withdraw([asset.id])
        error = "immich accepted the rating and did not keep it: its version may be too old"
        return replace(outcome, action="failed", after=rating, error=error)
    ledger.confirm([asset.id])
    if rating != outcome.after:  # a person was quicker than the second look
        return replace(outcome, action="keep", after=rating)
    return outcome
