"""`rgnet quantize`: a model's network in int8, evaluated before it is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt


@explain_interrupt(NOTHING_KEPT)
def quantize(
    model: options.ModelArgument,
    data: options.Labels,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    photos: options.PhotoFolder = None,
    count: Annotated[int, typer.Option(help="Number of training photos used for calibration.", min=10)] = 300,
    loss: Annotated[
        float, typer.Option(help="Largest acceptable drop in SRCC on the validation photos.")
    ] = 0.003,
    serve: Annotated[
        bool,
        typer.Option(
            help="Whether --precision auto means int8 for this model, or only --precision int8 does."
        ),
    ] = True,
) -> None:
    """Add an int8 network to a model file if its scores on the validation photos match float32.

    A few hundred training photos are used for calibration (no ratings); then both networks are evaluated on the
    validation photos. If int8 loses more than --loss, nothing is written. The data set is the one that the model was
    trained on.

    Examples:
    $ rgnet quantize mine.safetensors my-ratings.csv -o mine-int8.safetensors
    """
    from rgnet.cli.progress import track
    from rgnet.datasets.leaks import load_as_trained
    from rgnet.errors import EngineError, SettingError, need
    from rgnet.evaluation.metrics import require_scipy_stats
    from rgnet.evaluation.predictions import photos_of_split
    from rgnet.weights.file import SUFFIX, read_model, write_model
    from rgnet.weights.registry import find_model

    if output.suffix != SUFFIX:
        raise SettingError(f"{output}: expected a {SUFFIX} file, found {output.suffix!r}: change --output")
    require_scipy_stats()
    need("nncf", extra="quantize", purpose="quantizing a network")
    from rgnet.quantize import add_int8, calibration_photos, evaluate_int8, quantize_network

    file = read_model(find_model(model))
    rated = load_as_trained(file.card, data, photos, track=track)
    validation = photos_of_split(rated, "held_out")
    calibration = calibration_photos(rated.train, file.card, count)
    typer.echo(f"calibrating {file.card.name} with {len(calibration)} training photos", err=True)
    small = quantize_network(file, [pixels for _, pixels in calibration])
    made = add_int8(file, small, [photo for photo, _ in calibration], serve=serve)
    found = evaluate_int8(made, rated, track=partial(track, total=len(validation), description="scoring"))
    typer.echo(str(found))
    if found.srcc.difference.value < -loss:
        raise EngineError(
            f"int8 loses {-found.srcc.difference.value:.4f} SRCC, expected at most {loss}: nothing was written; "
            "try a larger --count, or keep this model in float32"
        )
    write_model(output, made.card, made.tensors, made.graph, int8=made.int8)
    typer.echo(f"wrote {output}")
