"""How well look-alikes are grouped and ordered: `python benchmarks/groups.py FOLDER [--json FILE]`.

FOLDER holds photos that do not resemble each other, such as PARA's. Frames are made of them (benchmarks/constructed.py)
and grouped as `rgnet group` does it. Prints:
  pairs       share of pairs that are grouped, by what sets their frames apart and by the seconds between them
  sequences   share of brackets, focus stacks and panoramas that are recognised and kept whole; of bursts that are not
  order       share of pairs whose better frame is first, and how often that is said to be too close to call
  copies      pairs of identical photos of a list that are found among all photos of FOLDER (--copies LIST)
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import constructed
import numpy as np
from measure import describe_machine, write_figures
from PIL import Image

from rgnet.catalogue.records import PhotoRow
from rgnet.culling.groups import KEPT_WHOLE, Members, group_shots
from rgnet.culling.picks import rank_frames, tile_weights, weigh_frames
from rgnet.culling.shots import Shots
from rgnet.imaging.measure import THUMBNAIL, TILES, Measurement, measure
from rgnet.results import ScoredPhoto

PARTS = ("pairs", "sequences", "order", "copies")
APART = 3600.0
GAPS = (1.0, 60.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument(
        "--copies", type=Path, help="a line for each pair of identical photos: NAME:SPLIT NAME:SPLIT"
    )
    options.add_argument("--count", type=int, default=600, help="photos that frames are made of")
    options.add_argument("--seed", type=int, default=1, help="draws the photos; 0 is that of the thresholds")
    options.add_argument("--only", nargs="*", default=PARTS, choices=PARTS)
    chosen = options.parse_args()
    paths = sorted(chosen.folder.rglob("*.jpg"))
    np.random.default_rng(chosen.seed).shuffle(paths)  # type: ignore[arg-type]
    figures: dict = {"machine": describe_machine(), "photos": chosen.count, "seed": chosen.seed}
    parts = {
        "pairs": lambda: pairs(paths, chosen.count),
        "sequences": lambda: sequences(paths[: chosen.count]),
        "order": lambda: order(paths[: chosen.count // 2]),
        "copies": lambda: copies(paths, chosen.copies) if chosen.copies else None,
    }
    for name in chosen.only:
        start = time.process_time()
        figures[name] = parts[name]()
        print(json.dumps({name: figures[name]}, indent=2), f"{time.process_time() - start:.0f} s", flush=True)
    write_figures(chosen.json, figures)


# --- what a scan would have remembered -----------------------------------------------------------------------


@dataclass
class Taken:
    """A frame: what was measured of it, and what its camera says."""

    found: Measurement
    size: tuple[int, int]
    second: float = math.nan
    stops: float = math.nan
    bias: float = math.nan
    score: float = 3.0


def load(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")


def take(image: Image.Image, second: float = math.nan, **settings: float) -> Taken:
    """As a camera saves a frame and a scan measures it."""
    return Taken(measure(constructed.saved(image, 92)), image.size, second, **settings)


def to_shots(frames: Sequence[Taken]) -> Shots:
    """frames: in the order of capture"""
    column = {
        name: np.array([getattr(frame, name) for frame in frames]) for name in ("second", "stops", "bias")
    }
    found = [frame.found for frame in frames]
    sharpness = np.frombuffer(b"".join(one.sharpness for one in found), np.float16).astype(np.float32)
    thumbnail = np.frombuffer(b"".join(one.thumbnail for one in found), np.uint8)
    return Shots(
        rows=[_row(number, frame) for number, frame in enumerate(frames)],
        second_N=column["second"],
        camera_N=np.zeros(len(frames), np.int64),
        folder_N=np.zeros(len(frames), np.int64),
        hash_N=np.array([one.hash for one in found], np.uint64),
        thumbnail_NSS=thumbnail.reshape(-1, THUMBNAIL, THUMBNAIL),
        sharpness_NTT=sharpness.reshape(-1, TILES, TILES),
        clipped_N=np.array([one.clipped for one in found]),
        open_N=np.full(len(frames), math.nan),
        stops_N=column["stops"],
        bias_N=column["bias"],
    )


def _row(number: int, frame: Taken) -> PhotoRow[ScoredPhoto]:
    record = ScoredPhoto(f"{number:07}.jpg", frame.score, 50.0, None, None, *frame.size, "", "", "")
    return PhotoRow(
        id=str(number), record=record, sha256=None, bytes=None, mtime_ns=None, taken=None, camera=None
    )


def grouped_share(sets: Sequence[Sequence[Taken]]) -> float:
    """Share of sets, an hour apart from each other, whose frames are all in one group."""
    whole = [is_whole(groups, one) for groups, one in zip(group_sets(sets), sets, strict=True)]
    return sum(whole) / len(sets)


def is_whole(groups: Sequence[Members], frames: Sequence[Taken]) -> bool:
    return [len(members.photos) for members in groups] == [len(frames)]


def group_sets(sets: Sequence[Sequence[Taken]]) -> list[list[Members]]:
    """The groups of each set."""
    frames = [
        replace(frame, second=frame.second + APART * number)
        for number, one in enumerate(sets)
        for frame in one
    ]
    starts = np.cumsum([0, *map(len, sets)])
    found: list[list[Members]] = [[] for _ in sets]
    for members in group_shots(to_shots(frames)):
        found[int(np.searchsorted(starts, members.photos[0], side="right")) - 1].append(members)
    return found


# --- pairs ---------------------------------------------------------------------------------------------------


def pairs(paths: list[Path], count: int) -> dict:
    photos = [load(path) for path in paths[:count]]
    plain = [take(constructed.moved(photo, 0)) for photo in photos]
    found: dict = {"grouped": {}, "same scene, grouped": {}}
    for name, change in constructed.VARIANTS.items():
        found["grouped"][name] = by_gap(plain, [take(change(photo)) for photo in photos])
    for overlap in (75, 50, 25, 0):
        step = 1 - overlap / 100
        ends = [[take(frame) for frame in constructed.panorama(photo, 2, step)] for photo in photos]
        name = f"crops that overlap by {overlap} %"
        found["same scene, grouped"][name] = by_gap(*zip(*ends, strict=True))
    ends = [
        [take(frame) for frame in constructed.subject_changed(photo, other)]
        for photo, other in zip(photos, photos[1:] + photos[:1], strict=True)
    ]
    found["same scene, grouped"]["another subject in the middle"] = by_gap(*zip(*ends, strict=True))
    return found | {"unrelated, grouped": unrelated(paths[:5000])}


def by_gap(first: Sequence[Taken], second: Sequence[Taken]) -> dict[str, float]:
    return {f"{gap:g} s": round(grouped_share(pairs_after(first, second, gap)), 4) for gap in GAPS}


def pairs_after(first: Iterable[Taken], second: Iterable[Taken], gap: float) -> list[list[Taken]]:
    return [
        [replace(one, second=0.0), replace(other, second=gap)]
        for one, other in zip(first, second, strict=True)
    ]


def unrelated(paths: list[Path], rounds: int = 8) -> dict:
    """Shares of random pairs."""
    frames = [take(load(path)) for path in paths]
    draw = np.random.default_rng(1)
    first = [frames[index] for _ in range(rounds) for index in draw.permutation(len(frames))]
    second = first[1:] + first[:1]
    return {"pairs": len(first), **by_gap(first, second)}


# --- sequences -----------------------------------------------------------------------------------------------


def sequences(paths: list[Path]) -> dict:
    draw = np.random.default_rng(2)
    photos = [load(path) for path in paths]
    made = {
        "bracket of 3, 2 EV": [bracket(photo, (0, -2, 2), draw) for photo in photos],
        "bracket of 3, 1 EV": [bracket(photo, (-1, 0, 1), draw) for photo in photos],
        "bracket of 5, 0.7 EV": [bracket(photo, (0, -0.7, 0.7, -1.3, 1.3), draw) for photo in photos],
        "bracket of 3, 3 EV, bias stated": [
            bracket(photo, (0, -3, 3), draw, biased=True) for photo in photos
        ],
        "bracket of 2, 2 EV, bias stated": [bracket(photo, (0, -2), draw, biased=True) for photo in photos],
        "focus stack of 5": [timed(constructed.focus_stack(photo, 5), 0.5) for photo in photos],
        "focus stack of 8, breathing": [
            timed(constructed.focus_stack(photo, 8, 0.005), 0.5) for photo in photos
        ],
        "panorama of 3, steps of 60 %": [timed(constructed.panorama(photo, 3, 0.6), 2) for photo in photos],
        "panorama of 4, steps of 50 %, upright": [
            timed(constructed.panorama(photo, 4, 0.5, upright=True), 2) for photo in photos
        ],
        "panorama of 9, steps of 12 %": [timed(constructed.panorama(photo, 9, 0.12), 1) for photo in photos],
    }
    bursts = {
        "burst of 5": [timed(constructed.hand_held(photo, 5, draw), 0.3) for photo in photos],
        "burst of 5, two blurred": [
            timed(shaken(constructed.hand_held(photo, 5, draw)), 0.3) for photo in photos
        ],
        "burst of 5, exposure wavers by 0.3 EV": [
            bracket(photo, (0, 0.3, 0, -0.3, 0), draw) for photo in photos
        ],
    }
    moving = zip(photos, photos[1:] + photos[:1], strict=True)
    bursts["burst of 5, something moves through"] = [
        timed(constructed.passing(photo, other, 5), 0.3) for photo, other in moving
    ]
    takes = [take(photo) for photo in photos]
    strangers = [
        [replace(frame, second=2.0 * index) for index, frame in enumerate(three)]
        for three in zip(takes, takes[1:] + takes[:1], takes[2:] + takes[:2], strict=True)
    ]
    return {
        "unrelated, kept whole": kept_whole(strangers, "burst")["some kept"],
        "kept whole": {name: kept_whole(sets, name.split()[0]) for name, sets in made.items()},
        "bursts": {name: kept_whole(sets, "burst") for name, sets in bursts.items()},
    }


def bracket(photo: Image.Image, stops: Sequence[float], draw, *, biased: bool = False) -> list[Taken]:
    views = constructed.hand_held(photo, len(stops), draw)
    return [
        take(constructed.exposed(view, stop), 0.5 * index, stops=stop, bias=stop if biased else math.nan)
        for index, (view, stop) in enumerate(zip(views, stops, strict=True))
    ]


def timed(views: Iterable[Image.Image], gap: float) -> list[Taken]:
    return [take(view, gap * index) for index, view in enumerate(views)]


def shaken(views: Iterable[Image.Image]) -> Iterator[Image.Image]:
    for index, view in enumerate(views):
        yield constructed.blurred(view, 1.5) if index in (0, 3) else view


def kept_whole(sets: Sequence[Sequence[Taken]], kind: str) -> dict[str, float]:
    """Shares of sets that are one group of this kind, that are one group, and that have a frame which is kept whole."""
    found = group_sets(sets)
    whole = [is_whole(groups, one) for groups, one in zip(found, sets, strict=True)]
    recognised = [one and groups[0].kind.startswith(kind) for one, groups in zip(whole, found, strict=True)]
    some = [any(members.kind in KEPT_WHOLE for members in groups) for groups in found]
    shares = {"recognised": recognised, "one group": whole, "some kept": some}
    return {name: round(sum(values) / len(sets), 4) for name, values in shares.items()}


# --- order ---------------------------------------------------------------------------------------------------


def order(paths: list[Path]) -> dict:
    """Pairs moved by 2 %, of which the second is worse; by the default model's score alone, and as `rgnet group`."""
    import rgnet

    scorer = rgnet.load(threads=1)
    photos = [load(path) for path in paths]
    changes = {
        "blur, sigma 2": lambda view: constructed.blurred(view, 2),
        "blur, sigma 1": lambda view: constructed.blurred(view, 1),
        "+1.5 EV": lambda view: constructed.exposed(view, 1.5),
        "nothing": lambda view: view,
    }
    better = [ranked(scorer, constructed.moved(photo, 0)) for photo in photos]
    found = {}
    for name, change in changes.items():
        worse = [ranked(scorer, change(constructed.moved(photo, 0.02, 0.01))) for photo in photos]
        found[name] = compare_pairs(scorer, better, worse)
    return found


def ranked(scorer, image: Image.Image) -> tuple[float, np.ndarray, float, np.ndarray]:
    """(score, sharpness of tiles, white share, weights of tiles) of a frame."""
    record = scorer.score(image, regions=True)
    frame = take(image)
    sharpness = np.frombuffer(frame.found.sharpness, np.float16).reshape(TILES, TILES).astype(np.float32)
    return record.score, sharpness, frame.found.clipped, tile_weights(record.regions.weights, TILES)


def compare_pairs(scorer, better: list, worse: list) -> dict[str, float]:
    scale = scorer.card.scale.low, scorer.card.scale.high
    by_score, by_merit, close = [], [], []
    for pair in zip(better, worse, strict=True):
        score, sharpness, clipped, weight = (np.stack(column) for column in zip(*pair, strict=True))
        ranking = rank_frames(weigh_frames(score, sharpness, clipped, scale=scale, weight_FTT=weight))
        by_score.append(score[0] > score[1])
        by_merit.append(ranking.order[0] == 0)
        close.append(ranking.reasons[0] == "too close to call")
    return {
        "better first, by score": round(float(np.mean(by_score)), 4),
        "better first": round(float(np.mean(by_merit)), 4),
        "too close to call": round(float(np.mean(close)), 4),
    }


# --- copies --------------------------------------------------------------------------------------------------


def copies(paths: list[Path], listed: Path, others: int = 10_000) -> dict:
    """Identical photos by a list, among as many others, undated."""
    lines = [line.split() for line in listed.read_text().splitlines() if line.strip()]
    families = [[name.partition(":")[0] for name in line] for line in lines]
    names = {name for family in families for name in family}
    chosen = [path for path in paths if path.name in names]
    chosen += [path for path in paths if path.name not in names][:others]
    number = {path.name: index for index, path in enumerate(chosen)}
    known = {pair for family in families for pair in _pairs([number[name] for name in family])}
    frames = [Taken(measure(load(path)), (224, 224)) for path in chosen]
    groups = [members.photos for members in group_shots(to_shots(frames)) if members.kind == "copies"]
    found = {pair for photos in groups for pair in _pairs(photos)}
    counts = {"listed": len(known), "found": len(known & found), "not listed": len(found - known)}
    return {"photos": len(chosen), **counts}


def _pairs(photos: Iterable[int]) -> Iterator[tuple[int, int]]:
    return itertools.combinations(sorted(photos), 2)


if __name__ == "__main__":
    main()
