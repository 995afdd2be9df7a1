"""A person's marks next to a photo: pick, stars and colour in the XMP sidecar, as other programs read them.

    rejected   xmp:Rating -1 and xmpDM:pick -1
    stars      xmp:Rating 1 to 5
    picked     xmpDM:pick 1 (Lightroom)
    colour     xmp:Label, by its English name

What was written is noted in the sidecar, so that it can be changed later. What another program says there and rgnet
did not write is a person's too, and is kept unless `overwrite` is asked for; stars of a model give way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rgnet.errors import PhotoNotFound
from rgnet.xmp.embedded import find_rating
from rgnet.xmp.packet import Packet
from rgnet.xmp.sidecar import Change, find_sidecars, new_sidecar

_RATING, _LABEL, _PICK = "xmp:Rating", "xmp:Label", "xmpDM:pick"
_PROPERTIES = (_RATING, _LABEL, _PICK)
_UNSET = {_RATING: ("0",), _LABEL: ("",), _PICK: ("0",)}
_NOTE = "rgnetmarks:Written"


@dataclass(frozen=True, slots=True)
class MarksChange:
    """What is to become of a photo's sidecar, for `sidecar.apply` to carry out.

    before, after: rating, label and pick in the sidecar; what is not there is left out
    kept:          which of them stay because another program, or the photo itself, says something else
    """

    change: Change
    before: dict[str, str]
    after: dict[str, str]
    kept: tuple[str, ...]


def plan_marks(
    photo: Path,
    *,
    pick: str | None = None,
    stars: int | None = None,
    colour: str | None = None,
    naming: str = "full",
    overwrite: bool = False,
    companion: Path | None = None,
) -> MarksChange:
    """How to write a person's marks next to a photo; only reads. What was written before and is gone is taken back.

    naming:    of a new sidecar, or of the one of two that gets the marks
    companion: the JPEG or HEIC of a raw file, which is the same photo and may share its sidecar

    Raises what `sidecar.plan_rating` raises.
    """
    if not photo.is_file():
        raise PhotoNotFound(str(photo), "the file does not exist any more", "scan its folder again")
    wanted = _properties(pick, stars, colour)
    found = find_sidecars(photo, companion)
    if not found and not any(wanted.values()):
        return MarksChange(Change(photo, photo, "unchanged", None, None), {}, {}, ())
    if found:
        sidecar, old = found.get(naming) or next(iter(found.values()))
    else:
        sidecar = new_sidecar(photo, naming, companion)
        old = Packet.empty(sidecar.name)
    base = old.without_rgnet(restore=True) if old.rated_by_rgnet else old
    written = _read_note(base)
    others = [packet for path, packet in found.values() if path != sidecar]
    kept = () if overwrite else tuple(_find_conflicts(photo, base, others, wanted, written))
    new = _with_marks(base, {name: value for name, value in wanted.items() if name not in kept}, written)
    return MarksChange(
        _change(photo, sidecar, old if found else None, new, kept=bool(kept)),
        before=_state(old) if found else {},
        after=_state(new),
        kept=tuple(_plain(name) for name in kept),
    )


def _properties(pick: str | None, stars: int | None, colour: str | None) -> dict[str, str | None]:
    return {
        _RATING: "-1" if pick == "rejected" else str(stars) if stars else None,
        _LABEL: colour and colour.capitalize(),
        _PICK: {"picked": "1", "rejected": "-1"}.get(pick or ""),
    }


def _find_conflicts(
    photo: Path,
    packet: Packet,
    others: list[Packet],
    wanted: Mapping[str, str | None],
    written: Mapping[str, str],
) -> list[str]:
    """Properties that are wanted otherwise than a person gave them elsewhere."""
    conflicts = []
    for name, value in wanted.items():
        current = _value(packet, name)
        if value is None or (current is not None and current == written.get(name)):
            continue
        elsewhere = [one for other in others if (one := _other_value(other, name)) is not None]
        if name == _RATING and current is None and not elsewhere:
            elsewhere = _embedded_rating(photo)
        if any(one != value for one in [*([current] if current is not None else []), *elsewhere]):
            conflicts.append(name)
    return conflicts


def _other_value(packet: Packet, name: str) -> str | None:
    """In the photo's other sidecar; stars of a model are no person's."""
    return None if name == _RATING and packet.rated_by_rgnet else _value(packet, name)


def _embedded_rating(photo: Path) -> list[str]:
    rating = find_rating(photo)
    return [] if rating is None else [f"{rating:g}"]


def _with_marks(packet: Packet, wanted: Mapping[str, str | None], written: Mapping[str, str]) -> Packet:
    """wanted: only what may be written. What was written before and is not wanted any more goes."""
    values: dict[str, str | None] = {}
    for name, value in wanted.items():
        is_ours = name in written and _value(packet, name) == written[name]
        if value is not None or is_ours:
            values[name] = value
    ours = {name: written[name] for name in written if name not in wanted}
    ours |= {
        name: value
        for name, value in values.items()
        if value is not None and _may_note(packet, name, value, written)
    }
    changed = {name: value for name, value in values.items() if packet.get(name) != value}
    note = ";".join(f"{name}={value}" for name, value in ours.items()) or None
    if note != packet.get(_NOTE):
        changed[_NOTE] = note
    return packet.with_properties(changed) if changed else packet


def _may_note(packet: Packet, name: str, value: str, written: Mapping[str, str]) -> bool:
    """Whether a value is ours: not where another program says the same already."""
    return written.get(name) == value or packet.get(name) != value


def _read_note(packet: Packet) -> dict[str, str]:
    note = packet.get(_NOTE) or ""
    pairs = (part.partition("=") for part in note.split(";") if "=" in part)
    return {name: value for name, _, value in pairs if name in _PROPERTIES}


def _value(packet: Packet, name: str) -> str | None:
    """What a property says; None where it is not there, or says that nothing is set."""
    text = packet.get(name)
    return None if text is None or text in _UNSET[name] else text


def _change(photo: Path, sidecar: Path, old: Packet | None, new: Packet, *, kept: bool) -> Change:
    before, data = (None, None) if old is None else (old.rating, old.data)
    if data == new.data or (old is None and new.data == Packet.empty(sidecar.name).data):
        return Change(photo, sidecar, "keep" if kept else "unchanged", before, before)
    return Change(photo, sidecar, "create" if old is None else "set", before, new.rating, data, new.data)


def _state(packet: Packet) -> dict[str, str]:
    return {_plain(name): value for name in _PROPERTIES if (value := _value(packet, name)) is not None}


def _plain(name: str) -> str:
    return name.partition(":")[2].lower()
