"""`rgnet explain`: a photo with its region map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rgnet.cli import options


def explain(
    photo: Annotated[Path, typer.Argument(help="The photo to explain.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The PNG to write; left out: PHOTO's name + .rgnet.png, here."),
    ] = None,
    what: Annotated[
        Literal["votes", "weights"],
        typer.Option(help="votes: every region's own score; weights: its share in the photo's score."),
    ] = "votes",
    model: options.Model = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it is there.")] = False,
) -> None:
    """Draw a photo beside the map of its regions: what lifts its score, and what sinks it.

    Example:  rgnet explain beach.jpg --output beach-map.png
    """
    import rgnet
    from rgnet.errors import SettingError
    from rgnet.outputs.heatmap import draw
    from rgnet.photo import decode

    target = output or Path(f"{photo.stem}.rgnet.png")
    if target.suffix.lower() != ".png":
        raise SettingError(f"the picture is written as PNG: {target} should end in .png")
    if target.exists() and (not force or target.samefile(photo)):
        raise SettingError(
            f"{target} is already there: give another --output" + ("" if force else ", or --force")
        )
    scorer = rgnet.load(model)
    scored = scorer.score(photo, regions=True)
    draw(scored, decode(photo, at_least=(1200, 1200)).image, target, what=what, scale=scorer.card.scale)
    typer.echo(
        f"{scored.score:.2f} on the scale {scorer.card.scale.low:g}-{scorer.card.scale.high:g}, ", nl=False
    )
    typer.echo(f"better than {scored.percentile:.0f} % of the rated photos; map in {target}")
