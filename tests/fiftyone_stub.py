"""What rgnet uses of FiftyOne, as its documentation describes it: a dataset of samples and two kinds of labels.

https://docs.voxel51.com/api/fiftyone.core.collections.html (values, set_values, exists, has_sample_field, get_field)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class Label:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Regression(Label):
    pass


class Heatmap(Label):
    pass


@dataclass
class Field:
    """document_type: of the labels in the field; None for plain values."""

    document_type: type | None


class Dataset:
    def __init__(self, name: str, rows: dict[str, dict[str, Any]] | None = None) -> None:
        self.rows = rows or {}

    def add_files(self, paths: list[str]) -> None:
        self.rows |= {f"{index:024x}": {"filepath": path} for index, path in enumerate(paths)}

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, field: str | list[str]) -> list[Any]:
        if isinstance(field, list):
            return [self.values(each) for each in field]
        return [sample if field == "id" else row.get(field) for sample, row in self.rows.items()]

    def has_sample_field(self, field: str) -> bool:
        return any(field in row for row in self.rows.values())

    def get_field(self, field: str) -> Field:
        (kind, *_) = {type(value) for value in self.values(field) if value is not None} or {type(None)}
        return Field(kind if issubclass(kind, Label) else None)

    def exists(self, field: str, bool: bool = True) -> Dataset:
        """A view of the samples that have, or have not, a value in this field."""
        assert self.has_sample_field(field)
        rows = {key: row for key, row in self.rows.items() if (row.get(field) is not None) == bool}
        return Dataset("view", rows)

    def set_values(self, field: str, values: dict[str, Any], *, key_field: str, dynamic: bool) -> None:
        assert key_field == "id" and dynamic
        for sample, value in values.items():
            self.rows[sample][field] = value
