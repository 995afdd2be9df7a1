"""The folder of pictures beside a report: report.html has report_files, as browsers name it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from rgnet.errors import SettingError

_PICTURE = re.compile(r"[0-9a-f]{12}(-large)?\.webp")


def pictures_folder(page: Path) -> Path:
    return page.with_name(f"{page.stem}_files")


def check_pictures_folder(page: Path) -> None:
    """Raises SettingError where the folder's name is taken by something that no report has written."""
    folder = pictures_folder(page)
    if not os.path.lexists(folder):
        return
    if not folder.is_dir() or not all(_PICTURE.fullmatch(entry.name) for entry in folder.iterdir()):
        raise SettingError(
            f"the pictures would go to {folder}, which holds something else: choose another --output"
        )


def picture_url(page: Path, name: str) -> str:
    """A picture's address relative to its page."""
    return f"{quote(pictures_folder(page).name)}/{name}"
