"""Star ratings next to a photo: its score as xmp:Rating in an XMP sidecar, where photo programs look for it.

First `plan_rating`, which only reads, then `apply`, which replaces the sidecar atomically. A dry run is a plan that
is printed. A rating that a person gave is kept unless `overwrite` is asked for, and `plan_undo` reverts what rgnet
wrote: to the byte, unless another program rewrote the sidecar in between.

A photo's sidecar has one of two names: a.jpg.xmp ("full": darktable, digiKam) or a.xmp ("stem": Adobe, Capture
One). An existing one is used. If both exist, `naming` says which one gets the stars; the default is "full", since
that name can belong to no other photo, and programs that know both prefer it. Writing both would rate the photo in
programs that were not asked about. A person's rating in either of them is kept.

Of a raw file and the JPEG or HEIC beside it, which are one photo, the raw file gets the stars, for that is where raw
processors look; the other is its companion, whose stem it shares. A person's rating of either is kept.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from rgnet.atomic import explaining_errors, write_bytes
from rgnet.errors import PhotoNotFound, SettingError, SidecarRefused, near
from rgnet.imaging.discovery import VIDEO_SUFFIXES, is_video_name
from rgnet.xmp.embedded import find_rating
from rgnet.xmp.packet import Packet

STAR_PERCENTILES = (10.0, 35.0, 65.0, 90.0)
NAMINGS = ("full", "stem")
_MAX_BYTES = 32 * 2**20
# Share a photo's stem without being a photo: notes, previews, recorded voice, settings of raw developers
_COMPANIONS = {".xmp", ".txt", ".json", ".xml", ".thm", ".wav", ".pp3", ".dop", ".on1", ".aae"}

Action = Literal["create", "set", "unchanged", "keep", "undo", "delete"]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a photo's rating.

    sidecar: the file that changes; of "keep" the one that holds the rating, which may be the photo itself
    action:  create     a new sidecar
             set        the rating in an existing sidecar
             unchanged  nothing: rgnet has written these stars before
             keep       nothing: a person rated the photo, or changed what rgnet wrote
             undo       restore the earlier rating, or none
             delete     the sidecar, which rgnet created and nobody added to
    before, after: xmp:Rating; None where there is none
    old, new: the bytes of the sidecar; None for no file, both None where nothing changes
    """

    photo: Path
    sidecar: Path
    action: Action
    before: float | None
    after: float | None
    old: bytes | None = field(default=None, repr=False)
    new: bytes | None = field(default=None, repr=False)


def stars_for(percentile: float, cuts: tuple[float, ...] = STAR_PERCENTILES) -> int:
    """1 to 5 stars: one, and one more for every cut that `percentile` reaches.

    By default a tenth of typical photos gets one star, a quarter two, three tenths three, a quarter four, and a
    tenth five. Raises SettingError.
    """
    bounds = (0, *cuts, 100)
    if len(cuts) != 4 or not all(low < high for low, high in pairwise(bounds)):
        found = ", ".join(f"{cut:g}" for cut in cuts)
        raise SettingError(
            f"cuts between stars: expected four ascending percentiles above 0 and below 100, found {found}"
        )
    if not 0 <= percentile <= 100:
        raise SettingError(f"percentile: expected 0 to 100, found {percentile}")
    return 1 + sum(percentile >= cut for cut in cuts)


def plan_rating(
    photo: Path,
    stars: int,
    *,
    model: str,
    naming: str = "full",
    overwrite: bool = False,
    companion: Path | None = None,
) -> Change:
    """How to give `stars` to a photo; nothing is written.

    model:     its name and hash, noted next to the stars
    companion: the JPEG or HEIC of a raw file, which is the same photo and may share its sidecar

    Raises SettingError; and for this photo alone PhotoNotFound, PhotoRefused, or SidecarRefused where a sidecar
    cannot be parsed or may belong to another photo.
    """
    _check(photo, stars, model, naming)
    found = find_sidecars(photo, companion)
    if not overwrite and (person := _person_rating_of(photo, companion, found)):
        holder, rating = person
        return Change(photo, holder, "keep", rating, rating)
    if not found:
        sidecar = new_sidecar(photo, naming, companion)
        packet = Packet.empty(sidecar.name).with_stars(stars, model, created=True)
        return Change(photo, sidecar, "create", None, stars, None, packet.data)
    sidecar, packet = found.get(naming) or next(iter(found.values()))
    if packet.rated_by_rgnet and packet.rating == stars:
        return Change(photo, sidecar, "unchanged", stars, stars)
    new = packet.with_stars(stars, model).data
    return Change(photo, sidecar, "set", packet.rating, stars, packet.data, new)


def plan_undo(photo: Path) -> tuple[Change, ...]:
    """How to revert what rgnet wrote next to a photo, which need not exist any more: a change for each sidecar.

    Where the rating is no longer what rgnet wrote, it is a person's, and all is kept. Raises SidecarRefused.
    """
    found = [
        (sidecar, _read(sidecar)) for sidecar in _sidecar_names(photo).values() if os.path.lexists(sidecar)
    ]
    return tuple(
        _undo(photo, sidecar, packet)
        for sidecar, packet in found
        if packet.rgnet_rating is not None and not _belongs_to_another(photo, packet)
    )


def apply(change: Change) -> None:
    """Carry out a plan: the sidecar is replaced atomically, and a link to one is followed.

    Raises SidecarRefused if the sidecar is not as it was when the change was planned, OutputError if it cannot
    be written; either way nothing has changed.
    """
    if change.old == change.new:
        return
    sidecar = change.sidecar
    with explaining_errors(sidecar):
        if _read_bytes(sidecar) != change.old:
            raise SidecarRefused(f"{sidecar} was changed by another program just now: rate the photo again")
        if change.new is None:
            _delete(sidecar)
        else:
            write_bytes(sidecar, change.new)


def _check(photo: Path, stars: int, model: str, naming: str) -> None:
    if stars not in (1, 2, 3, 4, 5):
        raise SettingError(f"stars: expected 1 to 5, found {stars}")
    if naming not in NAMINGS:
        raise SettingError(f"unknown naming of sidecars {naming!r}: {near(naming, NAMINGS)}")
    if not model.isprintable():
        raise SettingError(f"model name {model!r}: cannot be written to a sidecar: rename the model")
    if not photo.is_file():
        raise PhotoNotFound(str(photo), "the file does not exist any more", "scan its folder again")


def _sidecar_names(photo: Path) -> dict[str, Path]:
    """Both names of a sidecar, "full" first; with .XMP where that is what is there."""
    names = {"full": photo.with_name(f"{photo.name}.xmp"), "stem": photo.with_suffix(".xmp")}
    if names["stem"] == names["full"]:
        del names["stem"]
    capitals = {naming: name.with_suffix(".XMP") for naming, name in names.items()}
    return {
        naming: capitals[naming] if not os.path.lexists(name) and os.path.lexists(capitals[naming]) else name
        for naming, name in names.items()
    }


def find_sidecars(photo: Path, companion: Path | None) -> dict[str, tuple[Path, Packet]]:
    """The sidecars that belong to this photo, by naming. Raises SidecarRefused where that is not certain."""
    found: dict[str, tuple[Path, Packet]] = {}
    for naming, sidecar in _sidecar_names(photo).items():
        if not os.path.lexists(sidecar):
            continue
        packet = _read(sidecar)
        if naming == "full":
            found[naming] = sidecar, packet
        elif packet.extension:
            files = [photo] if companion is None else [photo, companion]
            if not all(_belongs_to_another(file, packet) for file in files):
                found[naming] = sidecar, packet
        elif not (others := _photos_of_same_stem(photo, companion)):
            found[naming] = sidecar, packet
        elif not found:
            raise SidecarRefused(
                f"{sidecar} may belong to {photo.name} or to {others[0]}: rename one of them with its sidecar, "
                f"or name the sidecar {photo.name}.xmp if it is this photo's"
            )
    return found


def new_sidecar(photo: Path, naming: str, companion: Path | None) -> Path:
    """The name of a photo's sidecar, of which there is none yet. Raises SidecarRefused where another photo has it."""
    sidecar = _sidecar_names(photo).get(naming, photo.with_name(f"{photo.name}.xmp"))
    if naming == "stem" and (others := _photos_of_same_stem(photo, companion)):
        raise SidecarRefused(
            f'{sidecar} would belong to {photo.name} and to {others[0]}: rename one of them, or use the naming "full"'
        )
    if os.path.lexists(sidecar):
        raise SidecarRefused(f'{sidecar} belongs to another photo: rename this one, or use the naming "full"')
    return sidecar


def _photos_of_same_stem(photo: Path, companion: Path | None) -> list[str]:
    """The other files of the folder that a sidecar named by the stem could belong to.

    A video of a picture's stem is its clip, as phones record Live Photos: cameras give the two numbers of one series.
    """
    stem, same_photo = photo.stem.lower(), {photo, companion}
    ignored = _COMPANIONS if is_video_name(photo.name) else _COMPANIONS | VIDEO_SUFFIXES
    same = [path for path in photo.parent.iterdir() if path.stem.lower() == stem and path not in same_photo]
    return sorted(path.name for path in same if path.suffix.lower() not in ignored and path.is_file())


def _belongs_to_another(photo: Path, packet: Packet) -> bool:
    """Whether Adobe's note in a.xmp says that it belongs to a.nef and not to a.jpg."""
    extension = packet.extension
    return extension is not None and extension.lower() not in ("", photo.suffix[1:].lower())


def _person_rating_of(
    photo: Path, companion: Path | None, found: dict[str, tuple[Path, Packet]]
) -> tuple[Path, float | None] | None:
    """A person's rating of the photo, else of its companion."""
    rating = _person_rating(photo, found)
    if rating is not None or companion is None:
        return rating
    return _person_rating(companion, find_sidecars(companion, photo))


def _person_rating(photo: Path, found: dict[str, tuple[Path, Packet]]) -> tuple[Path, float | None] | None:
    """The file with a person's rating, and the rating: a sidecar, or the photo itself if no sidecar has one."""
    for sidecar, packet in found.values():
        if packet.rated_by_person:
            return sidecar, packet.rating
    if any(packet.rating is not None for _, packet in found.values()):
        return None
    rating = find_rating(photo)
    return None if rating is None else (photo, rating)


def _undo(photo: Path, sidecar: Path, packet: Packet) -> Change:
    if not packet.rated_by_rgnet:
        return Change(photo, sidecar, "keep", packet.rating, packet.rating)
    reverted = packet.without_rgnet(restore=True)
    if packet.created_by_rgnet and reverted.is_empty:
        return Change(photo, sidecar, "delete", packet.rating, None, packet.data, None)
    return Change(photo, sidecar, "undo", packet.rating, reverted.rating, packet.data, reverted.data)


def _read(sidecar: Path) -> Packet:
    try:
        data = _read_bytes(sidecar)
    except OSError as problem:
        raise SidecarRefused(
            f"{sidecar} cannot be read ({problem.strerror or problem}): it was not changed"
        ) from problem
    if data is None:
        raise SidecarRefused(
            f"{sidecar} is a link to a file that does not exist: remove the link or restore the file"
        )
    return Packet(data, str(sidecar))


def _read_bytes(sidecar: Path) -> bytes | None:
    """The content of a sidecar, or None if there is none."""
    if not sidecar.exists():
        return None
    if not sidecar.is_file() or sidecar.stat().st_size > _MAX_BYTES:
        raise OSError(f"expected a file of at most {_MAX_BYTES // 2**20} MiB")
    return sidecar.read_bytes()


def _delete(sidecar: Path) -> None:
    Path(os.path.realpath(sidecar)).unlink()
    if sidecar.is_symlink():
        sidecar.unlink()
