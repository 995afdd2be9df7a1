"""A folder or a bucket by its path or URL, whose files are read and written whole."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rgnet import atomic
from rgnet.errors import (
    ClusterError,
    MissingExtra,
    OutputError,
    RgnetError,
    SettingError,
    install_command,
    need,
)

_PASSWORD = re.compile(r"(\w+)://[^/@]*:[^/@]*@")


def open_filesystem(url: str) -> tuple[Any, str]:
    """(fsspec's file system, the path in it). Raises MissingExtra or SettingError where there is no such system."""
    core = need("fsspec.core", extra="cluster", purpose="reading and writing folders and buckets")
    try:
        return core.url_to_fs(url)
    except ImportError as missing:
        remedy = install_command("s3") if url.startswith(("s3:", "s3a:")) else "pip install it"
        raise MissingExtra(f"{url} needs a package that is not installed ({missing}): {remedy}") from None
    except ValueError as problem:
        raise SettingError(f"{url} is neither a path nor a URL that fsspec knows ({problem})") from None


def check_no_password(url: str) -> None:
    """Raises SettingError: addresses are written beside the rows, and shown."""
    if found := _PASSWORD.match(url):
        raise SettingError(
            f"an address of {found[1]}:// holds a password: leave it out, and give credentials by the environment"
        )


@contextlib.contextmanager
def explaining_errors(url: str) -> Iterator[None]:
    """Raises ClusterError for what a bucket's file system raises: each has errors of its own.

    FileNotFoundError stays, for it often is an answer.
    """
    try:
        yield
    except (FileNotFoundError, RgnetError):
        raise
    except PermissionError as problem:
        raise ClusterError(
            f"{url}: permission denied ({_reason(problem)}): check the credentials in the environment of this machine "
            "and their rights to the bucket"
        ) from problem
    except Exception as problem:
        raise ClusterError(
            f"{url} cannot be read ({_reason(problem)}): check the address, the network, and the credentials in the "
            "environment of this machine"
        ) from problem


def _reason(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__


def is_url(name: str) -> bool:
    return "://" in name


class Store:
    """Files below one folder or prefix, by their names with "/" between.

    url: of the folder, absolute, so that another machine finds the same
    """

    def __init__(self, url: str) -> None:
        check_no_password(url)
        self.fs, root = open_filesystem(url)
        self.root = root.rstrip("/")
        self.url = self.fs.unstrip_protocol(root)
        self._is_local = "file" in (self.fs.protocol if isinstance(self.fs.protocol, tuple) else ())

    def read(self, name: str) -> bytes:
        """Raises FileNotFoundError, ClusterError, or of a local file another OSError."""
        with self._explaining_errors(f"{self.url}/{name}"):
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
            raise OutputError(
                f"{self.url}/{name}: cannot be written ({_reason(problem)}): check the bucket and your rights to it"
            ) from problem

    def names(self) -> set[str]:
        """Of the files in the folder itself; none where there is no folder."""
        self.fs.invalidate_cache()
        try:
            with self._explaining_errors(self.url):
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

    def _explaining_errors(self, url: str) -> contextlib.AbstractContextManager[None]:
        """Those of a local file say it themselves."""
        return contextlib.nullcontext() if self._is_local else explaining_errors(url)
