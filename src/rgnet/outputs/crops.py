"""A crop in its photo: the photo with the frame, and the crop beside it."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageEnhance

_GAP, _LINE, _PAPER, _FRAME = 12, 3, "#ffffff", "#ffb000"
_OUTSIDE = 0.45


def draw_crop(picture: bytes, box: tuple[float, float, float, float]) -> Image.Image:
    """picture: the photo as a file; box: (left, top, right, bottom) as shares of its sides."""
    with Image.open(BytesIO(picture)) as opened:
        photo = opened.convert("RGB")
    left, top, right, bottom = (
        round(share * side) for share, side in zip(box, (*photo.size, *photo.size), strict=True)
    )
    part = photo.crop((left, top, right, bottom))
    framed = ImageEnhance.Brightness(photo).enhance(_OUTSIDE)
    framed.paste(part, (left, top))
    ImageDraw.Draw(framed).rectangle((left, top, right - 1, bottom - 1), outline=_FRAME, width=_LINE)
    sheet = Image.new("RGB", (photo.width + _GAP + part.width, photo.height), _PAPER)
    sheet.paste(framed, (0, 0))
    sheet.paste(part, (photo.width + _GAP, (photo.height - part.height) // 2))
    return sheet
