"""Training recipes: functions that return a complete, frozen configuration. Numbers from the paper stand here once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from rgnet.architecture import Architecture
from rgnet.errors import SettingError, near
from rgnet.imaging.preprocess import Preprocess
from rgnet.model.presets import preset
from rgnet.training.lessons import RegionLessons
from rgnet.training.overrides import apply_overrides
from rgnet.weights.card import ModelCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, apart from the photos.

    sizes:        ((epochs, side in pixels), ...), in order; the last side is the model's own
    batch_size:   photos per optimiser step, over all processes; computed in `accumulate` micro-batches
    loss:         "cross_entropy" on high / low (section 3.3), "mse" on the rating in [0, 1] (section 4.1),
                  "mse+plcc": 10 MSE + (1 - Pearson correlation within the batch) / 2, or "emd": squared earth
                  mover's distance between histograms, for a histogram head; "regions": "mse+plcc" of the score and of
                  the mean vote, with the lessons of `regions`, which bring their own views instead of flip and zoom
    rank_weight:  weight of an added margin ranking loss over all pairs of photos in the batch: the better photo
                  should score higher by at least `rank_margin` in [0, 1]; 0 leaves it out
    learning_rate, head_rate: of the backbone, and of the new layers
    decay:        what weight decay acts on: "all" weights, or "matrices": not norms and biases
    frozen_epochs: first epochs in which the backbone's rate is 0
    schedule:     "poly": (1 - t)^0.9 of the paper, or "cosine"; warmup is the share of steps before it
    norms:        "keep", or "revive" for backbones whose batch norms were folded away: their statistics are
                  measured and the affine part set so that the function stays the same
    norm_photos:  training photos on which batch norm statistics are measured before each validation; 0 keeps the
                  running averages, which lag behind weights that still move and see enlarged photos only
    vote_start:   "he" as all new layers (section 3.3), or "even": at first every region votes the same
    graph_start:  factor on He's initialisation of the graph convolutions' weights; below 1 a residual graph starts
                  near the network without one
    average:      decay per step of an exponential moving average of the weights, which is what is validated and kept:
                  0.998 remembers some 500 steps and needs thousands; 0 keeps the weights of the last step
    teachers:     hashes of the models whose scores it follows, given when it is carried out
    teacher_share: of the teachers' mean score in the target, the rest is people's rating; see `rgnet.training.teachers`
    patience:     epochs without a better SRCC on the validation photos before the run stops; None or 0: never
    served:       default precision for users of the model; see `ModelCard.precision`
    zoom:         random enlargement before cropping back, (1.05, 1.25) in section 3.3; flip is a probability
    held_out:     training photos set aside as validation photos, where the data set has no list of its own
    """

    name: str
    architecture: Architecture = field(default_factory=Architecture)
    preprocess: Preprocess = field(default_factory=Preprocess)
    sizes: tuple[tuple[int, int], ...] = ((80, 300),)
    batch_size: int = 32
    accumulate: int = 1
    loss: Literal["cross_entropy", "mse", "mse+plcc", "emd", "regions"] = "cross_entropy"
    regions: RegionLessons = field(default_factory=RegionLessons)
    rank_weight: float = 0.0
    rank_margin: float = 0.05
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 1e-4
    head_rate: float = 1e-4
    weight_decay: float = 1e-5
    decay: Literal["all", "matrices"] = "all"
    frozen_epochs: int = 0
    schedule: Literal["poly", "cosine"] = "poly"
    warmup: float = 0.0
    clip: float | None = None
    patience: int | None = None
    average: float = 0.0
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.5
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

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("seed", 0)):
            if (found := getattr(self, name)) < least:
                raise SettingError(f"{name}: expected {least} or more, found {found}")

    def identity(self) -> dict[str, Any]:
        """`to_dict` without settings that recipes did not have once and that change nothing here: a finished run of
        an earlier version is recognised."""
        added = {"decay": "all", "frozen_epochs": 0, "average": 0.0, "teachers": (), "teacher_share": 0.5}
        settings = {name: value for name, value in self.to_dict().items() if added.get(name, ...) != value}
        # FC-CNN had two softmaxes once
        return settings | ({"plain_classifier": True} if self.architecture.pooled else {})

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

    Section 4.1: 2,000 validation photos.
    """
    return Recipe(name="ava_paper", held_out=2000)


def aadb_paper() -> Recipe:
    """Section 4.1: as `ava_paper`, with mean squared error on the rating in place of cross entropy on two classes.

    AADB has 500 validation photos; where its files lack that list, as many are set aside.
    """
    return replace(ava_paper(), name="aadb_paper", architecture=preset("aadb"), loss="mse", held_out=500)


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
        decay="matrices",
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


def para_regions() -> Recipe:
    """Two small networks side by side with an attention graph, whose regions are taught to judge what they see.

    Early epochs at 160 pixels; made for a GPU. A photo is mirrored and never resampled, which would teach that blur is
    usual; weights are averaged.
    """
    return replace(
        para(),
        name="para_regions",
        architecture=preset("attention-pair"),
        preprocess=Preprocess(size=224),
        sizes=((3, 160), (5, 224)),
        batch_size=80,
        loss="regions",
        learning_rate=3e-4,
        weight_decay=2e-2,
        warmup=0.05,
        vote_start="he",
        graph_start=1.0,
        average=0.998,
        served="auto",
    )


def yours() -> Recipe:
    """A few thousand photos of your own, on a laptop or one GPU: our small model on MobileNetV2.

    Starts from ImageNet weights, and stops after three epochs without progress.
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
        decay="matrices",
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
    "para_regions": para_regions,
    "yours": yours,
}


def recipe(name: str, overrides: Iterable[str] = (), *, start: ModelCard | None = None) -> Recipe:
    """A recipe by name, with settings such as "batch_size=16" or "architecture.r=2" changed.

    start: of the trained model that training begins with. It brings its own network and preprocessing, which settings
           may change too, and smaller rates: large ones would spoil its weights
    """
    if name not in RECIPES:
        raise SettingError(f"there is no recipe {name!r}: {near(name, RECIPES)}")
    overrides, chosen = list(overrides), RECIPES[name]()
    if start is None:
        return apply_overrides(chosen, overrides)
    chosen = apply_overrides(_continue(_gentle(chosen), start), overrides)
    if any(override.startswith("frozen_epochs") for override in overrides):
        return chosen
    return replace(chosen, frozen_epochs=min(chosen.frozen_epochs, chosen.epochs - 1))


def _gentle(recipe: Recipe) -> Recipe:
    """A frozen backbone first, then a tenth of the rates: at the full rates a few hundred photos made a model worse."""
    return replace(
        recipe,
        learning_rate=recipe.learning_rate / 10,
        head_rate=recipe.head_rate / 10,
        frozen_epochs=3,
    )


def _continue(recipe: Recipe, start: ModelCard) -> Recipe:
    """The recipe on the network of a trained model, which is ready to be used."""
    return replace(
        recipe,
        architecture=start.architecture,
        preprocess=start.preprocess,
        norms="keep",
        vote_start="he",
        graph_start=1.0,
        # What was measured in int8 was the other network
        served="auto" if start.precision == "auto" else "f32",
    )
