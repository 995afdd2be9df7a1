"""What an exported network is fed and what it answers: names, types, shapes, and the card that goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rgnet
from rgnet.errors import SettingError, near
from rgnet.weights.card import ModelCard

# Kind of input -> (its name, its type, what it is)
INPUTS = {
    "pixels": ("pixels", "uint8", "upright sRGB pixels, resized as the preprocessing says"),
    "normalised": (
        "image",
        "float32",
        "the same, each channel as (value / 255 - mean) / std, channels first",
    ),
    "photo": ("photo", "uint8", "upright sRGB pixels of photos of any one size; the network resizes them"),
}
OUTPUTS = {
    "score": "on the scale of the people who rated, see scale",
    "image_BC": "y of equation 4, in [0, 1], for each output of the head",
    "vote_BHWC": "the same of every region, row by row from the top left",
}
RESIZED_ALIKE = ("bilinear", "bicubic")


@dataclass(frozen=True, slots=True)
class Interface:
    """How one model is exported. feed: a key of INPUTS.

    Raises SettingError for an unknown feed, and for "photo" where the resize cannot be part of a network.
    """

    card: ModelCard
    feed: str = "pixels"

    def __post_init__(self) -> None:
        if self.feed not in INPUTS:
            raise SettingError(f"there is no input {self.feed!r}: {near(self.feed, INPUTS)}")
        if self.feed == "photo" and self.side is None:
            raise SettingError(
                f"{self.card.name} keeps a photo's shape, which a network cannot choose by itself: "
                "take the input pixels and resize outside"
            )
        if self.feed == "photo" and self.kernel not in RESIZED_ALIKE:
            raise SettingError(
                f"{self.card.name} resizes by {self.kernel}, which other programs do not have: "
                "take the input pixels and resize with Pillow"
            )

    @property
    def kernel(self) -> str:
        return self.card.preprocess.kernel

    @property
    def side(self) -> int | None:
        """Of the square that the network sees; None where height and width are open."""
        return self.card.preprocess.size if self.card.preprocess.fit == "squash" else None

    @property
    def name(self) -> str:
        return INPUTS[self.feed][0]

    @property
    def shape(self) -> tuple[int | str, ...]:
        """Of the input; letters stand for what is open."""
        height, width = ("H", "W") if self.side is None or self.feed == "photo" else (self.side, self.side)
        return ("B", 3, height, width) if self.feed == "normalised" else ("B", height, width, 3)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names and shapes; h x w regions, and C outputs of the head."""
        channels = self.card.architecture.channels
        return "score (B)", f"image_BC (B, {channels})", f"vote_BHWC (B, h, w, {channels})"

    def __str__(self) -> str:
        return f"{self.name} {INPUTS[self.feed][1]} ({', '.join(map(str, self.shape))})"

    def metadata(self) -> dict[str, Any]:
        """The model's card, its hash, and this interface in words: plain values."""
        _, kind, meaning = INPUTS[self.feed]
        fed = {"name": self.name, "type": kind, "shape": list(self.shape), "meaning": meaning}
        return self.card.to_dict() | {
            "sha256": self.card.sha256,
            "exported_by": f"rgnet {rgnet.__version__}",
            "input": fed,
            "outputs": OUTPUTS,
        }
