"""A folder or a bucket by its path or URL, whose files are read and written whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rgnet import atomic
from rgnet.errors import MissingExtra, OutputError, SettingError, need


def open_filesystem(url: str) -> tuple[Any, str]:
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
        self.fs, root = open_filesystem(url)
        self.root = root.rstrip("/")
        self.url = self.fs.unstrip_protocol(root)
        self._is_local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else ())

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, or another OSError."""
        return self.fs.cat_file(f"{self.root}/{name}")

    def write(self, name: str, data: bytes) -> None:
        """Atomically: an object of a bucket appears complete by itself. Raises OutputError."""
        if self._is_local:
            path = Path(self.root, name)
            with atomic.explaining_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_bytes(path, data)
            return
        try:
            self.fs.pipe_file(f"{self.root}/{name}", data)
        except Exception as problem:  # every file system has errors of its own
            reason = str(problem) or type(problem).__name__
            raise OutputError(
                f"{self.url}/{name}: cannot be written ({reason}): check the bucket and your rights to it"
            ) from problem

    def names(self) -> set[str]:
        """Of the files in the folder itself; none where there is no folder."""
        self.fs.invalidate_cache()
        try:
            return {path.rpartition("/")[2] for path in self.fs.ls(self.root or "/", detail=False)}
        except FileNotFoundError:
            return set()

    def remove_folder(self, name: str) -> None:
        """Remove a folder with its files, if it is there."""
        self.fs.invalidate_cache()
        if self.fs.exists(f"{self.root}/{name}"):
            self.fs.rm(f"{self.root}/{name}", recursive=True)

    def remove_leftovers(self) -> None:
        """Remove what killed workers left half written. Only where no worker is running."""
        if self._is_local and Path(self.root).is_dir():
            atomic.remove_leftovers(Path(self.root))
