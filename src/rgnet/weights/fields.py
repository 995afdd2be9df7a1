"""JSON values as dataclasses, checked by the annotations of their fields: a model's card is read with nothing else."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from rgnet.errors import SettingError, near

Record = TypeVar("Record")

_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_LARGEST = 1e9


def parse_record(
    kind: type[Record], values: object, *, added: Mapping[type, Collection[str]], where: str = ""
) -> Record:
    """A dataclass with these values; tuples come as lists, and parts that are dataclasses as objects.

    added: fields of a dataclass that earlier versions did not write: where one is missing it has its default
    where: name of the part, for messages
    Raises SettingError for a field that is missing, unknown, or not of its type, and what the dataclass itself raises.
    """
    if not isinstance(values, dict):
        raise SettingError(f"{where or 'it'}: expected an object, found {_describe(values)}")
    hints, prefix = get_type_hints(kind), f"{where}." if where else ""
    for name in values.keys() - hints.keys():
        raise SettingError(f"{prefix}{name} is unknown: {near(name, hints)}")
    absent = {item.name for item in fields(kind)} - values.keys()  # type: ignore[arg-type]
    if missing := absent - set(added.get(kind, ())):
        raise SettingError(f"{prefix}{min(missing)} is missing")
    parsed = {
        name: parse_record(hints[name], value, added=added, where=prefix + name)
        if is_dataclass(hints[name])
        else _parse(value, hints[name], prefix + name)
        for name, value in values.items()
    }
    try:
        return kind(**parsed)
    except SettingError as problem:
        raise SettingError(f"{prefix}{problem}") from problem


def _parse(value: object, kind: Any, where: str) -> Any:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in choices:
            raise SettingError(
                f"{where}: expected {' or '.join(map(str, choices))}, found {_describe(value)}"
            )
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else _parse(value, choices[0], where)
    if origin is tuple:
        return _parse_tuple(value, choices, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise SettingError(f"{where}: expected an object, found {_describe(value)}")
        return value
    return _parse_plain(value, kind, where)


def _parse_tuple(value: object, choices: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    count = None if choices[-1] is Ellipsis else len(choices)
    if not isinstance(value, list) or (count is not None and len(value) != count):
        expected = "a list" if count is None else f"a list of {count}"
        raise SettingError(f"{where}: expected {expected}, found {_describe(value)}")
    return tuple(_parse(item, choices[0], where) for item in value)


def _parse_plain(value: object, kind: Any, where: str) -> Any:
    """A number, a text, or true or false; 3 is a number where 3.5 could be."""
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise SettingError(f"{where}: expected {_NAMES[kind]}, found {_describe(value)}")
    # Comparison with a number beyond all floats, and with NaN, is safe
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise SettingError(f"{where}: expected a number up to {_LARGEST:g}, found {_describe(value)}")
    return value


def _describe(value: object) -> str:
    text = f"a list of {len(value)}" if isinstance(value, list) else repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."
