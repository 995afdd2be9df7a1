"""What is wrong with a data set: photos that are missing or unreadable, copies across its splits, leaks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rgnet.datasets.duplicates import Fingerprint, fingerprints, gathered, identical, look_alikes
from rgnet.datasets.readers import read_lines, untracked
from rgnet.datasets.records import RatedPhoto, RatedPhotos, base_rate, list_hash, named
from rgnet.errors import DataError, PhotoError, PhotoNotFound


@dataclass(frozen=True, slots=True)
class Copies:
    """Two photos that are one, each with the side it is on; bits: how much they differ, None where not at all."""

    one: str
    other: str
    sides: tuple[str, str]
    bits: int | None = None

    @property
    def across(self) -> bool:
        return self.sides[0] != self.sides[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `verify` found.

    missing, unreadable: {key: why}
    identical, alike:    copies on any sides, byte by byte and by looks
    leaks:               what two lists share and should not, in words -> keys
    """

    rated: RatedPhotos
    missing: Mapping[str, str]
    unreadable: Mapping[str, str]
    identical: tuple[Copies, ...]
    alike: tuple[Copies, ...]
    leaks: Mapping[str, tuple[str, ...]]

    @property
    def problems(self) -> tuple[str, ...]:
        """What makes figures measured on this data set doubtful, a line each; () where all is well."""
        total = sum(map(len, self.rated.sides().values()))
        hint = "; name their folder with --photos" if len(self.missing) == total else ""
        lines = [
            trouble(f"of {total} photos are missing{hint}", self.missing),
            trouble("photos cannot be read", self.unreadable),
            across("byte-identical pairs", self.identical),
            across("look-alike pairs", self.alike),
            *(trouble(what, keys) for what, keys in self.leaks.items()),
        ]
        return tuple(line for line in lines if line)

    def to_dict(self) -> dict[str, Any]:
        return {
            "data": self.rated.name,
            "scale": [self.rated.low, self.rated.high],
            "threshold": self.rated.threshold,
            "sides": {side: facts_of(self.rated, listed) for side, listed in self.rated.sides().items()},
            "notes": list(self.rated.notes),
            "left_out": {reason: list(keys) for reason, keys in self.rated.left_out.items()},
            "missing": dict(self.missing),
            "unreadable": dict(self.unreadable),
            "identical": [[pair.one, pair.other, *pair.sides] for pair in self.identical],
            "look_alikes": [[pair.one, pair.other, *pair.sides, pair.bits] for pair in self.alike],
            "leaks": {what: list(keys) for what, keys in self.leaks.items()},
            "problems": list(self.problems),
        }


def verify(
    rated: RatedPhotos, *, leaks: Mapping[str, Collection[str]] | None = None, track=untracked
) -> Verdict:
    """Decode every photo of `rated` (loaded with strict=False) and compare it with every other.

    leaks: what `leaks_between` or `leaks_from` found
    """
    keyed = {photo.path: photo.key for listed in rated.sides().values() for photo in listed}
    side_of = {photo.key: side for side, listed in rated.sides().items() for photo in listed}
    prints = fingerprints(list(keyed), track)
    problems = {keyed[path]: found for path, found in prints.items() if isinstance(found, PhotoError)}
    readable = {keyed[path]: found for path, found in prints.items() if isinstance(found, Fingerprint)}

    # Of byte-identical photos one stands for all when looks are compared
    groups = gathered(readable, lambda key: readable[key].content)
    repeated = {key for group in groups for key in group[1:]}
    looks = {key: found.look for key, found in readable.items() if key not in repeated}
    return Verdict(
        rated=rated,
        missing={key: str(why) for key, why in problems.items() if isinstance(why, PhotoNotFound)},
        unreadable={key: str(why) for key, why in problems.items() if not isinstance(why, PhotoNotFound)},
        identical=tuple(pair for group in groups for pair in pairs_of(group, side_of)),
        alike=tuple(
            Copies(one, other, (side_of[one], side_of[other]), bits)
            for one, other, bits in look_alikes(looks)
        ),
        leaks={what: tuple(sorted(keys)) for what, keys in (leaks or {}).items()},
    )


def pairs_of(group: Sequence[str], side_of: Mapping[str, str]) -> Iterable[Copies]:
    return (
        Copies(one, other, (side_of[one], side_of[other]))
        for index, one in enumerate(group)
        for other in group[index + 1 :]
    )


def leaks_between(rated: RatedPhotos, other: RatedPhotos) -> dict[str, set[str]]:
    """Photos that one data set tests with and the other learns from or chooses by, the same by name or by bytes."""
    ours, theirs = (*rated.train, *rated.held_out), (*other.train, *other.held_out)
    return {
        f"test photos of {rated.name} are on the training lists of {other.name}": shared(rated.test, theirs),
        f"training photos of {rated.name} are on the test list of {other.name}": shared(ours, other.test),
    }


def shared(ours: Sequence[RatedPhoto], theirs: Sequence[RatedPhoto]) -> set[str]:
    """Names of our photos that are among theirs; bytes are compared of those that are there."""
    there = {photo.path for photo in theirs if photo.path.is_file()}
    here = {photo.path: name_of(photo.key) for photo in ours if photo.path.is_file()} if there else {}
    copied = [group for group in identical(here.keys() | there) if not there.isdisjoint(group)]
    same = (here.keys() & there).union(*copied) & here.keys()
    return names_of(ours) & names_of(theirs) | {here[path] for path in same}


def leaks_from(rated: RatedPhotos, training_list: Path) -> dict[str, set[str]]:
    """Test photos on a training list in a file: a name or an id first in each line."""
    listed = {name_of(line.split()[0]) for _, line in read_lines(training_list)}
    if not listed:
        raise DataError(f"{training_list} is empty: expected a name or an id a line")
    return {
        f"test photos of {rated.name} are on the list {training_list.name}": names_of(rated.test) & listed
    }


def names_of(photos: Iterable[RatedPhoto]) -> set[str]:
    return {name_of(photo.key) for photo in photos}


def name_of(key: str) -> str:
    """Without the ending, so that AVA's 953980 and 953980.jpg are one."""
    return str(PurePosixPath(key).with_suffix(""))


def facts_of(rated: RatedPhotos, listed: Sequence[RatedPhoto]) -> dict[str, Any]:
    """Counts, mean and base rate of one side; {"photos": 0} of an empty one."""
    if not listed:
        return {"photos": 0}
    return {
        "photos": len(listed),
        "base_rate": base_rate(listed, rated.threshold),
        "mean": sum(photo.mean for photo in listed) / len(listed),
        "histograms": sum(photo.histogram is not None for photo in listed),
        "scenes": sum(photo.scene is not None for photo in listed),
        "list": list_hash(listed),
    }


def trouble(what: str, keys: Collection[str]) -> str:
    return f"{len(keys)} {what}: {named(keys)}" if keys else ""


def across(what: str, pairs: Iterable[Copies]) -> str:
    """How many pairs stand on two sides; those on one side harm no exam."""
    torn = [pair for pair in pairs if pair.across]
    tested = sum("test" in pair.sides for pair in torn)
    shown = [f"{pair.one} ({pair.sides[0]}) = {pair.other} ({pair.sides[1]})" for pair in torn]
    return trouble(f"{what} stand on two sides, {tested} of them with a test photo", shown)


def report(verdict: Verdict) -> str:
    """The verdict for people: a line for each side, what is left out, and what is wrong."""
    rated = verdict.rated
    lines = [f"{rated.name}: ratings from {rated.low:g} to {rated.high:g}, high from {rated.threshold:g}"]
    for side, facts in ((side, facts_of(rated, listed)) for side, listed in rated.sides().items()):
        lines.append(f"  {side:9}{facts['photos']:>8,} photos")
        if facts["photos"]:
            lines[-1] += (
                f"   base rate {facts['base_rate']:.2%} high"
                f"   mean {facts['mean']:.3f}   list {facts['list']}"
            )
    lines += [f"note: {note}" for note in rated.notes]
    for what, pairs in (("byte-identical", verdict.identical), ("look-alike", verdict.alike)):
        lines.append(f"{len(pairs)} {what} pairs, {sum(pair.across for pair in pairs)} of them on two sides")
    lines += [f"wrong: {problem}" for problem in verdict.problems] or ["found nothing wrong"]
    return "\n".join(lines)
