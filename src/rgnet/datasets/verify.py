"""Problems of a data set: missing or unreadable photos, duplicates across its splits, leaks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rgnet.datasets.duplicates import (
    Fingerprint,
    compute_fingerprints,
    find_identical,
    find_near_duplicates,
    group_by,
)
from rgnet.datasets.readers import Track, read_lines, without_progress
from rgnet.datasets.records import RatedPhoto, RatedPhotos, base_rate, list_hash, shorten_list
from rgnet.errors import DataError, PhotoError, PhotoNotFound


@dataclass(frozen=True, slots=True)
class DuplicatePair:
    """Two photos that show the same, each with its split; bits: by how many they differ, None if byte-identical."""

    one: str
    other: str
    splits: tuple[str, str]
    bits: int | None = None

    @property
    def across(self) -> bool:
        return self.splits[0] != self.splits[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetReport:
    """What `verify` found.

    missing, unreadable: {key: why}
    identical, alike:    duplicates and near-duplicates, within a split or across
    leaks:               what two lists share and should not, in words -> keys
    """

    rated: RatedPhotos
    missing: Mapping[str, str]
    unreadable: Mapping[str, str]
    identical: tuple[DuplicatePair, ...]
    alike: tuple[DuplicatePair, ...]
    leaks: Mapping[str, tuple[str, ...]]

    @property
    def problems(self) -> tuple[str, ...]:
        """What makes metrics on this data set doubtful, one line each; () where nothing does."""
        total = len(self.rated.all_photos())
        hint = "; name their folder with --photos" if len(self.missing) == total else ""
        lines = [
            _format_problem(f"of {total} photos are missing{hint}", self.missing),
            _format_problem("photos cannot be read", self.unreadable),
            _describe_across("byte-identical pairs", self.identical),
            _describe_across("near-duplicate pairs", self.alike),
            *(_format_problem(what, keys) for what, keys in self.leaks.items()),
        ]
        return tuple(line for line in lines if line)

    def to_dict(self) -> dict[str, Any]:
        return {
            "data": self.rated.name,
            "scale": [self.rated.low, self.rated.high],
            "threshold": self.rated.threshold,
            "sides": {split: _summarise(self.rated, photos) for split, photos in self.rated.splits().items()},
            "notes": list(self.rated.notes),
            "left_out": {reason: list(keys) for reason, keys in self.rated.excluded.items()},
            "missing": dict(self.missing),
            "unreadable": dict(self.unreadable),
            "identical": [[pair.one, pair.other, *pair.splits] for pair in self.identical],
            "look_alikes": [[pair.one, pair.other, *pair.splits, pair.bits] for pair in self.alike],
            "leaks": {what: list(keys) for what, keys in self.leaks.items()},
            "problems": list(self.problems),
        }


def verify(
    rated: RatedPhotos, *, leaks: Mapping[str, Collection[str]] | None = None, track: Track = without_progress
) -> DataSetReport:
    """Decode every photo of `rated` (loaded with strict=False) and compare it with every other.

    leaks: what `leaks_between` or `leaks_from` found
    """
    keyed = {photo.path: photo.key for photo in rated.all_photos()}
    split_of = {photo.key: split for split, photos in rated.splits().items() for photo in photos}
    prints = compute_fingerprints(list(keyed), track)
    problems = {keyed[path]: found for path, found in prints.items() if isinstance(found, PhotoError)}
    readable = {keyed[path]: found for path, found in prints.items() if isinstance(found, Fingerprint)}

    # One of several byte-identical photos is compared with the others by its looks
    groups = group_by(readable, lambda key: readable[key].content)
    repeated = {key for group in groups for key in group[1:]}
    hashes = {key: found.perceptual for key, found in readable.items() if key not in repeated}
    return DataSetReport(
        rated=rated,
        missing={key: str(why) for key, why in problems.items() if isinstance(why, PhotoNotFound)},
        unreadable={key: str(why) for key, why in problems.items() if not isinstance(why, PhotoNotFound)},
        identical=tuple(pair for group in groups for pair in _make_pairs(group, split_of)),
        alike=tuple(
            DuplicatePair(one, other, (split_of[one], split_of[other]), bits)
            for one, other, bits in find_near_duplicates(hashes)
        ),
        leaks={what: tuple(sorted(keys)) for what, keys in (leaks or {}).items()},
    )


def _make_pairs(group: Sequence[str], split_of: Mapping[str, str]) -> Iterable[DuplicatePair]:
    return (
        DuplicatePair(one, other, (split_of[one], split_of[other]))
        for index, one in enumerate(group)
        for other in group[index + 1 :]
    )


def leaks_between(rated: RatedPhotos, other: RatedPhotos) -> dict[str, set[str]]:
    """Photos that one data set tests with and the other trains or validates with, the same by name or by bytes."""
    ours, theirs = (*rated.train, *rated.held_out), (*other.train, *other.held_out)
    return {
        f"test photos of {rated.name} are on the training lists of {other.name}": _find_shared(
            rated.test, theirs
        ),
        f"training photos of {rated.name} are on the test list of {other.name}": _find_shared(
            ours, other.test
        ),
    }


def _find_shared(ours: Sequence[RatedPhoto], theirs: Sequence[RatedPhoto]) -> set[str]:
    """Names of our photos that are among theirs; of those that are there, bytes are compared too."""
    there = {photo.path for photo in theirs if photo.path.is_file()}
    here = {photo.path: _stem(photo.key) for photo in ours if photo.path.is_file()} if there else {}
    copied = [group for group in find_identical(here.keys() | there) if not there.isdisjoint(group)]
    same = (here.keys() & there).union(*copied) & here.keys()
    return _stems(ours) & _stems(theirs) | {here[path] for path in same}


def leaks_from(rated: RatedPhotos, training_list: Path) -> dict[str, set[str]]:
    """Test photos on a training list in a file, whose lines begin with a name or an id."""
    listed = {_stem(line.split()[0]) for _, line in read_lines(training_list)}
    if not listed:
        raise DataError(f"{training_list} is empty: expected a name or an id per line")
    return {f"test photos of {rated.name} are on the list {training_list.name}": _stems(rated.test) & listed}


def _stems(photos: Iterable[RatedPhoto]) -> set[str]:
    return {_stem(photo.key) for photo in photos}


def _stem(key: str) -> str:
    """Without the suffix, so that AVA's 953980 and 953980.jpg are the same."""
    return str(PurePosixPath(key).with_suffix(""))


def _summarise(rated: RatedPhotos, listed: Sequence[RatedPhoto]) -> dict[str, Any]:
    """Counts, mean and base rate of one split; {"photos": 0} of an empty one."""
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


def _format_problem(what: str, keys: Collection[str]) -> str:
    return f"{len(keys)} {what}: {shorten_list(keys)}" if keys else ""


def _describe_across(what: str, pairs: Iterable[DuplicatePair]) -> str:
    """How many pairs are in two splits; those within one split harm no evaluation."""
    torn = [pair for pair in pairs if pair.across]
    tested = sum("test" in pair.splits for pair in torn)
    shown = [f"{pair.one} ({pair.splits[0]}) = {pair.other} ({pair.splits[1]})" for pair in torn]
    return _format_problem(f"{what} are in two splits, {tested} of them with a test photo", shown)


def format_report(found: DataSetReport) -> str:
    """For people: a line per split, what is excluded, and what is wrong."""
    rated = found.rated
    lines = [f"{rated.name}: ratings from {rated.low:g} to {rated.high:g}, high from {rated.threshold:g}"]
    for split, photos in rated.splits().items():
        facts = _summarise(rated, photos)
        lines.append(f"  {split:9}{facts['photos']:>8,} photos")
        if facts["photos"]:
            lines[-1] += (
                f"   base rate {facts['base_rate']:.2%} high"
                f"   mean {facts['mean']:.3f}   list {facts['list']}"
            )
    lines += [f"note: {note}" for note in rated.notes]
    for what, pairs in (("byte-identical", found.identical), ("near-duplicate", found.alike)):
        lines.append(f"{len(pairs)} {what} pairs, {sum(pair.across for pair in pairs)} of them in two splits")
    lines += [f"wrong: {problem}" for problem in found.problems] or ["found nothing wrong"]
    return "\n".join(lines)
