"""Training recipes: functions that return a complete, frozen configuration. Numbers from the paper stand here once."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args, get_origin

from rgnet.architecture import Architecture
from rgnet.errors import SettingError, near
from rgnet.imaging.preprocess import Preprocess
from rgnet.model.presets import preset


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, apart from the photos.

    sizes:        ((epochs, side in pixels), ...), in order; the last side is the model's own
    batch_size:   photos of a step of the optimiser, over all processes; computed in `accumulate` parts
    loss:         "cross_entropy" on high / low (section 3.3), "mse" on the rating in [0, 1] (section 4.1),
                  "mse+plcc": 10 MSE + (1 - Pearson correlation within the batch) / 2, or "emd": squared earth
                  mover's distance between histograms, for a histogram head
    rank_weight:  of a term added to the loss that asks, of every pair of photos in the batch, the better one to
                  score higher by at least `rank_margin` in [0, 1]; 0 leaves it out
    learning_rate, head_rate: of the backbone, and of the new layers
    schedule:     "poly": (1 - t)^0.9 of the paper, or "cosine"; warmup is the share of steps before it
    norms:        "keep", or "revive" for backbones whose batch norms were folded away: statistics are measured
                  and the affine part set so that the function stays what it was
    norm_photos:  training photos on which batch norms measure their statistics anew before each exam; 0 keeps the
                  running averages, which lag behind weights that still move and see enlarged photos only
    vote_start:   "he" as all new layers (section 3.3), or "even": every region first votes the same
    graph_start:  factor on He's initialisation of the graph convolutions' weights; below 1 a residual graph starts
                  near the network without one
    patience:     epochs without a better SRCC on the held-out photos before the run stops; None: never
    served:       precision that users of the model get unless they ask for another; see `ModelCard.precision`
    zoom:         random enlargement before cropping back, (1.05, 1.25) in section 3.3; flip is a probability
    """

    name: str
    architecture: Architecture = field(default_factory=Architecture)
    preprocess: Preprocess = field(default_factory=Preprocess)
    sizes: tuple[tuple[int, int], ...] = ((80, 300),)
    batch_size: int = 32
    accumulate: int = 1
    loss: Literal["cross_entropy", "mse", "mse+plcc", "emd"] = "cross_entropy"
    rank_weight: float = 0.0
    rank_margin: float = 0.05
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-4
    head_rate: float = 1e-4
    weight_decay: float = 1e-5
    schedule: Literal["poly", "cosine"] = "poly"
    warmup: float = 0.0
    clip: float | None = None
    patience: int | None = None
    flip: float = 0.5
    zoom: tuple[float, float] = (1.05, 1.25)
    norms: Literal["keep", "revive"] = "keep"
    norm_photos: int = 0
    vote_start: Literal["he", "even"] = "he"
    graph_start: float = 1.0
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    served: Literal["auto", "f32"] = "auto"
    held_out: int = 1500
    seed: int = 0

    @property
    def epochs(self) -> int:
        return sum(epochs for epochs, _ in self.sizes)

    def size_at(self, epoch: int) -> int:
        """Side in pixels of the photos of that epoch, counted from 0."""
        for epochs, size in self.sizes:
            if epoch < epochs:
                return size
            epoch -= epochs
        return self.sizes[-1][1]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "architecture": self.architecture.to_dict(),
            "preprocess": self.preprocess.to_dict(),
        }


def ava_paper() -> Recipe:
    """Section 3.3: 300x300, Adam at 1e-4 with poly decay, 80 epochs, cross entropy on high and low.

    Section 4.1: 2,000 photos are held out.
    """
    return Recipe(name="ava_paper", held_out=2000)


def aadb_paper() -> Recipe:
    """Section 4.1: as `ava_paper`, with mean squared error on the rating in place of cross entropy on two classes."""
    return replace(ava_paper(), name="aadb_paper", architecture=preset("aadb"), loss="mse")


def para() -> Recipe:
    """Our small model for laptops: NIMA's MobileNetV1, which has seen AVA, with context and a residual graph.

    Made for a CPU with bf16: small photos first, 224 pixels at the end.
    """
    half = (0.5, 0.5, 0.5)
    return Recipe(
        name="para",
        architecture=preset("compact"),
        preprocess=Preprocess(size=224, mean=half, std=half),
        sizes=((1, 160), (4, 224)),
        batch_size=64,
        loss="mse+plcc",
        optimizer="adamw",
        learning_rate=5e-4,
        head_rate=1e-3,
        weight_decay=1e-2,
        schedule="cosine",
        warmup=0.1,
        clip=1.0,
        zoom=(1.0, 1.15),
        norms="revive",
        norm_photos=2560,
        vote_start="even",
        graph_start=0.1,
        precision="bf16-mixed",
        served="f32",
    )


def yours() -> Recipe:
    """A few thousand photos of your own, on a laptop or one graphics card: our small model on MobileNetV2.

    Starts from ImageNet weights, and stops when three epochs in a row have brought nothing.
    """
    return Recipe(
        name="yours",
        architecture=replace(preset("compact"), backbone="mobilenet_v2"),
        preprocess=Preprocess(size=224),
        sizes=((12, 224),),
        loss="mse+plcc",
        optimizer="adamw",
        learning_rate=3e-4,
        head_rate=1e-3,
        weight_decay=1e-2,
        schedule="cosine",
        warmup=0.1,
        clip=1.0,
        patience=3,
        zoom=(1.0, 1.15),
        norm_photos=1024,
        vote_start="even",
        graph_start=0.1,
        served="f32",
        held_out=300,
    )


RECIPES: dict[str, Callable[[], Recipe]] = {
    "ava_paper": ava_paper,
    "aadb_paper": aadb_paper,
    "para": para,
    "yours": yours,
}


def recipe(name: str, settings: typing.Iterable[str] = ()) -> Recipe:
    """A recipe by name, with settings like "batch_size=16" or "architecture.r=2" changed."""
    if name not in RECIPES:
        raise SettingError(f"there is no recipe {name!r}: {near(name, RECIPES)}")
    return with_settings(RECIPES[name](), settings)


def with_settings(made: Any, settings: typing.Iterable[str]) -> Any:
    """A copy of a frozen dataclass with settings like "batch_size=16" or "architecture.r=2" changed."""
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise SettingError(f"a setting reads NAME=VALUE, found {setting!r}")
        made = changed(made, key.strip(), text.strip())
    return made


def changed(settings: Any, key: str, text: str) -> Any:
    """A copy of a frozen dataclass with one field, named by dots, set from text."""
    head, _, rest = key.partition(".")
    known = {item.name for item in fields(settings)}
    if head not in known:
        raise SettingError(f"there is no setting {key!r}: {near(head, known)}")
    if rest:
        return replace(settings, **{head: changed(getattr(settings, head), rest, text)})
    kind = typing.get_type_hints(type(settings))[head]
    try:
        return replace(settings, **{head: parsed(text, kind)})
    except ValueError as problem:
        raise SettingError(f"{key}: {problem}") from problem


def parsed(text: str, kind: Any) -> Any:
    """`text` as a value of the annotated type `kind`; ValueError says what was expected."""
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(map(str, choices))}, found {text!r}")
        return text
    if origin in (typing.Union, types.UnionType):
        return None if text == "none" else parsed(text, choices[0])
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, found {text!r}")
        return text == "true"
    if origin is tuple:
        return parsed_tuple(text, choices)
    if kind in (int, float, str):
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"expected {kind.__name__}, found {text!r}") from None
    raise ValueError("this setting has parts: name one of them with a dot")


def parsed_tuple(text: str, choices: tuple) -> tuple:
    """(1, 2) from "1,2"; ((2, 160), (5, 224)) from "2x160,5x224"; () from ""."""
    words = [word for word in text.split(",") if word]
    if choices[-1] is Ellipsis:
        if get_origin(choices[0]) is tuple:
            return tuple(tuple(map(int, word.split("x"))) for word in words)
        return tuple(parsed(word, choices[0]) for word in words)
    if len(words) != len(choices):
        raise ValueError(f"expected {len(choices)} values joined by commas, found {text!r}")
    return tuple(parsed(word, kind) for word, kind in zip(words, choices, strict=True))
