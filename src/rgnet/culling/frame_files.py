"""Frames of a video as files: pictures at full size, a table, and a contact sheet of all of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from rgnet.atomic import make_writable_folder, replacing_folder
from rgnet.culling.frames import BestFrame, VideoFrames, time_code

_COLUMNS = (
    "shot",
    "start_s",
    "end_s",
    "time_s",
    "score",
    "percentile",
    "model",
    "model_hash",
    "reasons",
    "file",
)
# Of a contact sheet, in pixels
_WIDE, _ACROSS, _GAP, _CAPTION, _ROWS = 320, 5, 12, 24, 40
_PAPER, _INK = "#ffffff", "#1a1a1a"


def frame_name(best: BestFrame, suffix: str) -> str:
    """Such as "00-01-23.480.jpg", in order of time."""
    return f"{time_code(best.time_s)}.{'jpg' if suffix == 'jpeg' else suffix}"


def write_frames(folder: Path, found: VideoFrames, suffix: str) -> None:
    """Replace `folder` by one of these frames, which hold their files; whole or not at all. Raises OutputError."""
    make_writable_folder(folder.parent)
    with replacing_folder(folder) as partial:
        for best in found.frames:
            (partial / frame_name(best, suffix)).write_bytes(best.file)
        with (partial / "frames.csv").open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(_COLUMNS)
            rows.writerows(_to_row(best, suffix) for best in found.frames)
        if found.frames:
            draw_contact_sheet(found.frames).save(partial / "contact.jpg", quality=88)


def _to_row(best: BestFrame, suffix: str) -> list[object]:
    seconds = [round(value, 3) for value in (best.start_s, best.end_s, best.time_s)]
    score = best.score
    named = [score.score, score.percentile, score.model, score.model_hash]
    return [best.shot, *seconds, *named, "; ".join(best.reasons), frame_name(best, suffix)]


def draw_contact_sheet(frames: Sequence[BestFrame]) -> Image.Image:
    """Every frame small, with its time and score below; of very many, the first ones."""
    shown = frames[: _ACROSS * _ROWS]
    pictures = [_shrink(best.file) for best in shown]
    tall, across = max(picture.height for picture in pictures), min(_ACROSS, len(shown))
    cell = _WIDE + _GAP, tall + _CAPTION + _GAP
    sheet = Image.new(
        "RGB", (across * cell[0] + _GAP, math.ceil(len(shown) / across) * cell[1] + _GAP), _PAPER
    )
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for index, (best, picture) in enumerate(zip(shown, pictures, strict=True)):
        left, top = _GAP + index % across * cell[0], _GAP + index // across * cell[1]
        sheet.paste(picture, (left + (_WIDE - picture.width) // 2, top + tall - picture.height))
        draw.text((left, top + tall + 4), f"{time_code(best.time_s)}   {best.score.score:.2f}", _INK, font)
    return sheet


def _shrink(file: bytes) -> Image.Image:
    """At most _WIDE wide, and as high."""
    with Image.open(BytesIO(file)) as picture:
        picture.thumbnail((_WIDE, _WIDE))
        return picture.convert("RGB")
