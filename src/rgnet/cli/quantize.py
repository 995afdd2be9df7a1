"""`rgnet quantize`: a model's network in int8, examined before it is kept."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def quantize(
    model: Annotated[str, typer.Argument(help="Name or file of the model.")],
    data: Annotated[Path, typer.Argument(help="Labels of the data set that the model has learned from.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    photos: options.PhotoFolder = None,
    count: Annotated[int, typer.Option(help="Training photos that show the range of values.", min=10)] = 300,
    loss: Annotated[float, typer.Option(help="Most SRCC that int8 may lose on the held-out photos.")] = 0.003,
    serve: Annotated[
        bool,
        typer.Option(help="Score in int8 unless --precision says otherwise, or only where it says int8."),
    ] = True,
) -> None:
    """Add an int8 network to a model file, if it says on the held-out photos what float32 says.

    Some hundreds of training photos show which values each layer sees (no ratings are used); then both networks
    are examined on the held-out photos. Where int8 loses more than --loss, nothing is written.

    Example:  rgnet quantize mine.safetensors mine.csv -o mine-int8.safetensors
    """
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import rated_as_taught
    from rgnet.errors import EngineError, SettingError, need
    from rgnet.evaluation.metrics import scipy_stats
    from rgnet.evaluation.predictions import photos_of
    from rgnet.weights.file import SUFFIX, read_model, write_model
    from rgnet.weights.registry import find_model

    if output.suffix != SUFFIX:
        raise SettingError(f"a model file ends in {SUFFIX}: {output} does not")
    scipy_stats()
    need("nncf", extra="quantize", purpose="quantizing a network")
    from rgnet.quantize import examined, quantized, samples, with_int8

    file = read_model(find_model(model))
    rated = rated_as_taught(file.card, data, photos, track=track)
    held_out = photos_of(rated, "held_out")
    shown = samples(rated.train, file.card, count)
    typer.echo(f"showing {len(shown)} training photos to {file.card.name}", err=True)
    small = quantized(file, [pixels for _, pixels in shown])
    made = with_int8(file, small, [photo for photo, _ in shown], serve=serve)
    watch = partial(track, total=len(held_out), description="scoring")
    found = examined(made, rated, track=watch)
    typer.echo(str(found))
    if found.srcc.difference.value < -loss:
        raise EngineError(
            f"int8 loses {-found.srcc.difference.value:.4f} SRCC, expected at most {loss}: nothing was written; "
            "try more --count, or leave this model in float32"
        )
    write_model(output, made.card, made.tensors, made.graph, int8=made.int8)
    typer.echo(f"wrote {output}")
