"""`rgnet models`: what can score."""

from __future__ import annotations

import typer


def models() -> None:
    """List the models at hand with their licence, exam figures and precisions, the one that they are served in first.

    Your own models are found in $RGNET_MODELS, or in the folder that `rgnet info` names.
    """
    from rich.console import Console
    from rich.table import Table

    import rgnet
    from rgnet.errors import ModelNotFound
    from rgnet.weights.registry import DEFAULT

    found = rgnet.models()
    if not found:
        raise ModelNotFound(
            "no model is installed: train one with `rgnet train`, and give it as --model FILE"
        )
    table = Table(
        *("model", "hash", "scale", "exam", "precision", "size", "licence of the weights"),
        box=None,
        pad_edge=False,
    )
    for path, card in found:
        exam = ", ".join(f"{name} {value}" for name, value in card.metrics.items())
        table.add_row(
            card.name + (" (default)" if path.stem == DEFAULT else ""),
            card.short_hash,
            f"{card.scale.low:g}-{card.scale.high:g}",
            exam,
            card.precision + (", int8" if "int8" in card.training and card.precision != "int8" else ""),
            f"{path.stat().st_size / 1e6:.1f} MB",
            card.licence,
        )
    Console(markup=False, highlight=False).print(table)
    for _, card in found:
        typer.echo(f"\n{card.name}: {card.notice}" if card.notice else "", nl=bool(card.notice))
