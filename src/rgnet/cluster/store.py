"""A folder or a bucket by its path or URL: files are read whole, and written whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

from rgnet.errors import MissingExtra, OutputError, SettingError, need


def opened(url: str) -> tuple[Any, str]:
    """(fsspec's file system, the path in it). Raises MissingExtra or SettingError where there is no such system."""
    core = need("fsspec.core", extra="cluster", purpose="reading and writing folders and buckets")
    try:
        return core.url_to_fs(url)
    except ImportError as missing:
        raise MissingExtra(
            f"{url} needs a package that is not installed ({missing}): pip install it"
        ) from None
    except ValueError as problem:
        raise SettingError(f"{url} is neither a path nor a URL that fsspec knows ({problem})") from None


def is_url(name: str) -> bool:
    return "://" in name


class Store:
    """Files below one folder or prefix, by their names with "/" between.

    url: of the folder, absolute, so that another machine finds the same
    """

    def __init__(self, url: str) -> None:
        self.fs, root = opened(url)
        self.root = root.rstrip("/")
        self.url = self.fs.unstrip_protocol(root)
        self.local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else ())

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, or another OSError."""
        return self.fs.cat_file(f"{self.root}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """In a folder under another name, then renamed; an object of a bucket appears whole by itself."""
        try:
            if self.local:
                write_and_rename(Path(self.root, name), data)
            else:
                self.fs.pipe_file(f"{self.root}/{name}", data)
        except OSError as problem:
            raise OutputError(
                f"{self.url}/{name}: cannot be written ({problem}): free or open it"
            ) from problem

    def names(self) -> set[str]:
        """Of the files that lie in the folder itself; none where there is no folder."""
        self.fs.invalidate_cache()
        try:
            return {path.rpartition("/")[2] for path in self.fs.ls(self.root or "/", detail=False)}
        except FileNotFoundError:
            return set()

    def sweep(self) -> None:
        """Remove what killed workers left half written. Only where no worker is at work."""
        for name in self.names() if self.local else ():
            if name.startswith(".") and name.endswith(".partial"):
                Path(self.root, name).unlink(missing_ok=True)


def write_and_rename(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
