"""`rgnet convert`: a model's network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rgnet.cli import options
from rgnet.cli.signals import NOTHING_KEPT, explain_interrupt

Format = Literal["onnx", "openvino", "pt2"]


@explain_interrupt(NOTHING_KEPT)
def convert(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: .onnx, .xml (OpenVINO) or .pt2 (torch).")
    ],
    to: Annotated[
        Format | None,
        typer.Option(
            help="onnx (.onnx), openvino (.xml and .bin) or pt2 (.pt2).",
            show_default="by the suffix of --output",
        ),
    ] = None,
    model: options.Model = None,
    input: Annotated[
        Literal["pixels", "normalised", "photo"],
        typer.Option(
            help="What the network takes. pixels: uint8 RGB, already resized; normalised: float32, channels first; "
            "photo: uint8 RGB of any size.",
        ),
    ] = "pixels",
    force: options.Force = False,
) -> None:
    """Convert a model's network to ONNX, OpenVINO or torch's .pt2, for programs without rgnet.

    The file holds weights, model card and licence. The converted network is checked against rgnet's own engine and
    only written if the outputs match; see docs/convert.md.

    Examples:
    $ rgnet convert --output rgnet.onnx
    $ rgnet convert --model mine.safetensors --input photo --output mine.xml
    """
    from rgnet.export.write import choose_format, export_network
    from rgnet.weights.file import read_model
    from rgnet.weights.registry import find_model

    kind = to or _format_of(output)
    choose_format(output, kind, force=force)
    file = read_model(find_model(model))
    done = export_network(file, output, kind, feed=input, force=force)
    files = " and ".join(str(path) for path in done.files)
    typer.echo(f"wrote {files}, {done.megabytes:.1f} MB: {done.interface.card.name} as {done.made_for}")
    typer.echo(f"input   {done.interface}")
    typer.echo(f"output  {', '.join(done.interface.outputs)}")
    typer.echo(
        f"checked {done.batches} batches: scores differ from rgnet's by at most {done.worst:.6f} points"
    )
    if file.card.notice:
        typer.echo(f"licence {file.card.licence}: {file.card.notice}")


def _format_of(output: Path) -> str:
    from rgnet.errors import SettingError
    from rgnet.export.write import FORMATS

    for kind, chosen in FORMATS.items():
        if output.suffix.lower() == chosen.suffix:
            return kind
    raise SettingError(
        f"{output}: expected .onnx, .xml or .pt2, found {output.suffix or 'no suffix'!r}: "
        "give --output one of these suffixes"
    )


def check_not_a_network(output: Path) -> None:
    """Raise SettingError for a table that has the suffix of a network."""
    from rgnet.errors import SettingError
    from rgnet.export.write import FORMATS

    if any(output.suffix.lower() == chosen.suffix for chosen in FORMATS.values()):
        raise SettingError(
            f"{output}: expected .csv, .jsonl, .json or .parquet, found the suffix of a network: "
            f"convert a model with  rgnet convert --output {output.name}"
        )
