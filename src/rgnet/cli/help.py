"""Help from docstrings: paragraphs flow to the width of the terminal, and examples keep their own lines."""

from __future__ import annotations

import inspect

EXAMPLES = "Examples:"


def help_text(docstring: str | None) -> str:
    """A docstring with each paragraph on one line, for whoever wraps it; the lines of `EXAMPLES` stay as they are."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(map(_flow, paragraphs))


def examples(docstring: str | None) -> list[str]:
    """The commands that a docstring shows."""
    for paragraph in inspect.cleandoc(docstring or "").split("\n\n"):
        heading, *lines = paragraph.splitlines()
        if heading == EXAMPLES:
            return [line.strip().removeprefix("$ ") for line in lines]
    return []


def _flow(paragraph: str) -> str:
    lines = [line.strip() for line in paragraph.splitlines()]
    return ("\n" if lines[0] == EXAMPLES else " ").join(lines)
