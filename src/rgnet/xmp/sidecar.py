"""Stars beside a photo: its score as xmp:Rating in an XMP sidecar, where photo programs look for it.

First `plan`, which looks and changes nothing, then `apply`, which replaces the sidecar whole or not at all. A dry
run is a plan that is printed. A rating that a person gave is kept unless `overwrite` is asked for, and `plan_undo`
takes back what rgnet wrote: to the byte, unless another program wrote the sidecar anew in between.

A photo's sidecar has one of two names: a.jpg.xmp ("full": darktable, digiKam) or a.xmp ("stem": Adobe, Capture
One). Where one is there, it is used. Where both are, `naming` says which one gets the stars: "full" unless told
otherwise, since that name can mean no other photo, and programs that know both prefer it. Writing both would
rate the photo in programs that were not asked about. But a person's rating in either of them is kept.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal
from uuid import uuid4

from rgnet.errors import OutputError, PhotoNotFound, PhotoRefused, SettingError, SidecarRefused, near
from rgnet.xmp.packet import Packet, packets_inside

CUTS = (10.0, 35.0, 65.0, 90.0)
MAX_BYTES = 32 * 2**20
NAMINGS = ("full", "stem")
# Share a photo's stem without being a photo: notes, previews, recorded voice, settings of raw developers
COMPANIONS = {".xmp", ".txt", ".json", ".xml", ".thm", ".wav", ".pp3", ".dop", ".on1", ".aae"}

Action = Literal["create", "set", "same", "keep human", "undo", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a photo's rating.

    sidecar: the file that changes; of "keep human" the one that holds the rating, which may be the photo itself
    action:  create   a sidecar, where there is none
             set      the rating, in a sidecar that is there
             same     nothing: these stars stand there already, by rgnet
             keep human   nothing: a person rated the photo, or changed what rgnet wrote
             undo     bring back the rating that stood before, or none
             delete   the sidecar, which rgnet made and where nothing was added
    before, after: xmp:Rating; None where there is none
    old, new: the bytes of the sidecar; None for no file, both None where nothing is to change
    """

    photo: Path
    sidecar: Path
    action: Action
    before: float | None
    after: float | None
    old: bytes | None = field(default=None, repr=False)
    new: bytes | None = field(default=None, repr=False)


def stars_of(percentile: float, cuts: tuple[float, ...] = CUTS) -> int:
    """1 to 5 stars: one, and one more for every cut that `percentile` reaches.

    By default a tenth of typical photos gets one star, a quarter two, three tenths three, a quarter four, and a
    tenth five. Raises SettingError.
    """
    bounds = (0, *cuts, 100)
    if len(cuts) != 4 or not all(low < high for low, high in pairwise(bounds)):
        found = ", ".join(f"{cut:g}" for cut in cuts)
        raise SettingError(
            f"cuts between stars are four ascending percentiles above 0 and below 100, not {found}"
        )
    if not 0 <= percentile <= 100:
        raise SettingError(f"a percentile is from 0 to 100, not {percentile}")
    return 1 + sum(percentile >= cut for cut in cuts)


def plan(photo: Path, stars: int, *, model: str, naming: str = "full", overwrite: bool = False) -> Change:
    """How to give `stars` to a photo; nothing is written. model: its name and hash, noted beside the stars.

    Raises SettingError; and for this photo alone PhotoNotFound, PhotoRefused, or SidecarRefused where a sidecar
    cannot be understood or may be another photo's.
    """
    _check(photo, stars, model, naming)
    found = _sidecars(photo)
    if not overwrite and (kept := _human(photo, found)):
        holder, rating = kept
        return Change(photo, holder, "keep human", rating, rating)
    if not found:
        sidecar = _new_sidecar(photo, naming)
        packet = Packet.empty(sidecar.name).rated(stars, model, created=True)
        return Change(photo, sidecar, "create", None, stars, None, packet.data)
    sidecar, packet = found.get(naming) or next(iter(found.values()))
    if packet.mine and packet.rating == stars:
        return Change(photo, sidecar, "same", stars, stars)
    return Change(photo, sidecar, "set", packet.rating, stars, packet.data, packet.rated(stars, model).data)


def plan_undo(photo: Path) -> tuple[Change, ...]:
    """How to take back what rgnet wrote beside a photo: a change for each sidecar where it did, mostly one.

    Where the rating is no longer what rgnet wrote, it is a person's, and all is kept. Raises SidecarRefused.
    """
    found = [(sidecar, _read(sidecar)) for sidecar in _names(photo).values() if os.path.lexists(sidecar)]
    return tuple(
        _undo(photo, sidecar, packet)
        for sidecar, packet in found
        if packet.written is not None and not _of_another(photo, packet)
    )


def apply(change: Change) -> None:
    """Do what was planned: the sidecar is replaced whole or not at all, through a link to the file it names.

    Raises SidecarRefused if the sidecar is not as it was when the change was planned, OutputError if it cannot
    be written; either way nothing has changed.
    """
    if change.old == change.new:
        return
    sidecar = change.sidecar
    try:
        if _bytes(sidecar) != change.old:
            raise SidecarRefused(
                f"{sidecar} was changed since it was looked at: it is left as it is; rate it again"
            )
        if change.new is None:
            _delete(sidecar)
        else:
            _replace(sidecar, change.new)
    except OSError as problem:
        raise OutputError(
            f"{sidecar} cannot be written ({problem.strerror or problem}): make room or allow it; nothing was changed"
        ) from problem


def _check(photo: Path, stars: int, model: str, naming: str) -> None:
    if stars not in (1, 2, 3, 4, 5):
        raise SettingError(f"a photo gets 1 to 5 stars, not {stars}")
    if naming not in NAMINGS:
        raise SettingError(f"unknown naming of sidecars {naming!r}: {near(naming, NAMINGS)}")
    if not model.isprintable():
        raise SettingError(f"the model's name {model!r} cannot be written to a sidecar: rename it")
    if not photo.is_file():
        raise PhotoNotFound(f"there is no photo {photo}: a sidecar would belong to nothing")


def _names(photo: Path) -> dict[str, Path]:
    """Both names of a sidecar, "full" first; with .XMP where that is what is there."""
    names = {"full": photo.with_name(f"{photo.name}.xmp"), "stem": photo.with_suffix(".xmp")}
    if names["stem"] == names["full"]:
        del names["stem"]
    capitals = {naming: name.with_suffix(".XMP") for naming, name in names.items()}
    return {
        naming: capitals[naming] if not os.path.lexists(name) and os.path.lexists(capitals[naming]) else name
        for naming, name in names.items()
    }


def _sidecars(photo: Path) -> dict[str, tuple[Path, Packet]]:
    """The sidecars that are this photo's, by naming. Raises SidecarRefused where that is not sure."""
    found = {}
    for naming, sidecar in _names(photo).items():
        if not os.path.lexists(sidecar):
            continue
        packet = _read(sidecar)
        if naming == "full":
            found[naming] = sidecar, packet
        elif packet.extension:
            found |= {} if _of_another(photo, packet) else {naming: (sidecar, packet)}
        elif not (others := _sharing(photo)):
            found[naming] = sidecar, packet
        elif not found:
            raise SidecarRefused(
                f"{sidecar} may belong to {photo.name} or to {others[0]}: rename one of them with its sidecar, "
                f"or name the sidecar {photo.name}.xmp if it is this photo's"
            )
    return found


def _new_sidecar(photo: Path, naming: str) -> Path:
    sidecar = _names(photo).get(naming, photo.with_name(f"{photo.name}.xmp"))
    if naming == "stem" and (others := _sharing(photo)):
        raise SidecarRefused(
            f"{sidecar} would belong to {photo.name} and to {others[0]}: rename one of them, or name sidecars in full"
        )
    if os.path.lexists(sidecar):
        raise SidecarRefused(f"{sidecar} belongs to another photo: rename this one, or name sidecars in full")
    return sidecar


def _sharing(photo: Path) -> list[str]:
    """The other files of the folder that a sidecar named by the stem could be meant for."""
    stem = photo.stem.lower()
    same = [path for path in photo.parent.iterdir() if path.stem.lower() == stem and path.name != photo.name]
    return sorted(path.name for path in same if path.suffix.lower() not in COMPANIONS and path.is_file())


def _of_another(photo: Path, packet: Packet) -> bool:
    """Whether Adobe's note in a.xmp says that it is a.nef's and not a.jpg's."""
    return bool(packet.extension) and packet.extension.lower() != photo.suffix[1:].lower()


def _human(photo: Path, found: dict[str, tuple[Path, Packet]]) -> tuple[Path, float | None] | None:
    """Where a person's rating stands, and the rating: in a sidecar, or inside the photo if no sidecar has one."""
    for sidecar, packet in found.values():
        if packet.human:
            return sidecar, packet.rating
    if any(packet.rating is not None for _, packet in found.values()):
        return None
    try:
        return next(((photo, packet.rating) for packet in packets_inside(photo) if packet.human), None)
    except OSError as problem:
        raise PhotoRefused(f"{photo} cannot be read ({problem.strerror or problem})") from problem


def _undo(photo: Path, sidecar: Path, packet: Packet) -> Change:
    if not packet.mine:
        return Change(photo, sidecar, "keep human", packet.rating, packet.rating)
    cleaned = packet.cleaned(restore=True)
    if packet.created and cleaned.bare:
        return Change(photo, sidecar, "delete", packet.rating, None, packet.data, None)
    return Change(photo, sidecar, "undo", packet.rating, cleaned.rating, packet.data, cleaned.data)


def _read(sidecar: Path) -> Packet:
    try:
        data = _bytes(sidecar)
    except OSError as problem:
        raise SidecarRefused(
            f"{sidecar} cannot be read ({problem.strerror or problem}): it is left as it is"
        ) from problem
    if data is None:
        raise SidecarRefused(f"{sidecar} is a link to nothing: remove it, or bring back what it names")
    return Packet(data, str(sidecar))


def _bytes(sidecar: Path) -> bytes | None:
    """The content of a sidecar, or None if there is none."""
    if not sidecar.exists():
        return None
    if not sidecar.is_file() or sidecar.stat().st_size > MAX_BYTES:
        raise OSError(f"expected a file of at most {MAX_BYTES // 2**20} MiB")
    return sidecar.read_bytes()


def _replace(sidecar: Path, data: bytes) -> None:
    target = Path(os.path.realpath(sidecar))
    partial = target.with_name(f".{uuid4().hex}.part")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            _permit(target, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _permit(target: Path, partial: Path) -> None:
    """Give a new file the owner and the permissions of the one it replaces, if that one may be written at all."""
    if not os.access(target, os.W_OK):
        raise PermissionError(13, "the file is read-only")
    status = target.stat()
    with suppress(PermissionError, AttributeError):  # Windows knows no owners
        os.chown(partial, status.st_uid, status.st_gid)
    shutil.copymode(target, partial)


def _delete(sidecar: Path) -> None:
    Path(os.path.realpath(sidecar)).unlink()
    if sidecar.is_symlink():
        sidecar.unlink()
