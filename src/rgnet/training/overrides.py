"""Settings such as "batch_size=16" applied to a frozen dataclass: the option `--set`."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any, Literal, TypeVar, get_args, get_origin

from rgnet.errors import SettingError, near

Settings = TypeVar("Settings")
Sizes = tuple[tuple[int, int], ...]


def apply_overrides(settings: Settings, overrides: Iterable[str]) -> Settings:
    """A copy with every "NAME=VALUE" applied in turn; dots lead into parts, as in "architecture.r=2".

    "epochs=N" lengthens or shortens `sizes`, see `scale_epochs`. Raises SettingError, naming what was expected.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise SettingError(f"a setting reads NAME=VALUE, found {override!r}")
        settings = _replace_field(settings, key.strip(), text.strip())
    return settings


def scale_epochs(sizes: Sizes, epochs: int) -> Sizes:
    """((epochs, side), ...) with `epochs` in all, each side's share as before, the last side's never none."""
    if epochs < 1:
        raise SettingError(f"epochs: expected 1 or more, found {epochs}")
    total, ends, passed = sum(count for count, _ in sizes), [0], 0
    for count, _ in sizes[:-1]:
        passed += count
        ends.append(min(epochs - 1, round(epochs * passed / total)))
    ends.append(epochs)
    counts = [end - start for start, end in pairwise(ends)]
    return tuple((count, side) for count, (_, side) in zip(counts, sizes, strict=True) if count)


def _replace_field(settings: Any, key: str, text: str) -> Any:
    head, _, rest = key.partition(".")
    known = {item.name for item in fields(settings)}
    if key == "epochs" and "sizes" in known:
        return replace(settings, sizes=scale_epochs(settings.sizes, _parse_setting(key, text, int)))
    if head not in known:
        raise SettingError(f"there is no setting {key!r}: {near(head, known)}")
    if rest:
        return replace(settings, **{head: _replace_field(getattr(settings, head), rest, text)})
    kind = typing.get_type_hints(type(settings))[head]
    return replace(settings, **{head: _parse_setting(key, text, kind)})


def _parse_setting(key: str, text: str, kind: Any) -> Any:
    try:
        return _parse(text, kind)
    except ValueError as problem:
        raise SettingError(f"{key}: {problem}") from problem


def _parse(text: str, kind: Any) -> Any:
    """`text` as a value of the annotated type `kind`; ValueError says what was expected."""
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(map(str, choices))}, found {text!r}")
        return text
    if origin in (typing.Union, types.UnionType):
        return None if text == "none" else _parse(text, choices[0])
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, found {text!r}")
        return text == "true"
    if origin is tuple:
        return _parse_tuple(text, choices)
    if kind in (int, float, str):
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"expected {kind.__name__}, found {text!r}") from None
    raise ValueError("this setting has parts: name one of them with a dot")


def _parse_tuple(text: str, choices: Sequence[Any]) -> tuple[Any, ...]:
    """(1, 2) from "1,2"; ((2, 160), (5, 224)) from "2x160,5x224"; () from "" where that may be."""
    words = [word for word in text.split(",") if word]
    if choices[-1] is Ellipsis:
        if get_origin(choices[0]) is tuple:
            return tuple(map(_parse_product, words or [text]))
        return tuple(_parse(word, choices[0]) for word in words)
    if len(words) != len(choices):
        raise ValueError(f"expected {len(choices)} values joined by commas, found {text!r}")
    return tuple(_parse(word, kind) for word, kind in zip(words, choices, strict=True))


def _parse_product(word: str) -> tuple[int, int]:
    """(2, 160) from "2x160"."""
    first, _, second = word.partition("x")
    if not (first.isdecimal() and second.isdecimal() and int(first) and int(second)):
        raise ValueError(f"expected EPOCHSxSIDE joined by commas, as in 2x160,5x224, found {word!r}")
    return int(first), int(second)
