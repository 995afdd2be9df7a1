"""Pictures in a folder beside a page: report.html has report_files, as browsers name it. It appears whole."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

from rgnet.errors import SettingError

OURS = re.compile(r"[0-9a-f]{12}(-large)?\.webp")


class Beside(AbstractContextManager):
    """Put pictures, then `finish`; left without, nothing has changed."""

    def __init__(self, page: Path) -> None:
        """Raises SettingError where the folder's name is taken by something that no report has written."""
        self.folder = page.with_name(f"{page.stem}_files")
        self.partial = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.part")
        if os.path.lexists(self.folder) and not self.is_ours():
            raise SettingError(
                f"the pictures would go to {self.folder}, which holds something else: give another --output"
            )

    def is_ours(self) -> bool:
        return self.folder.is_dir() and all(OURS.fullmatch(entry.name) for entry in self.folder.iterdir())

    def __enter__(self) -> Beside:
        self.partial.mkdir()
        return self

    def put(self, name: str, data: bytes) -> str:
        """Keep a picture and return its address relative to the page."""
        (self.partial / name).write_bytes(data)
        return f"{quote(self.folder.name)}/{name}"

    def finish(self) -> None:
        """Replace the pictures of an earlier report."""
        if self.folder.is_dir():
            shutil.rmtree(self.folder)
        self.partial.rename(self.folder)

    def __exit__(self, *_exception: object) -> None:
        shutil.rmtree(self.partial, ignore_errors=True)
