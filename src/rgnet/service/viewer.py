"""A photo opened in the system's viewer, on the machine that serves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from rgnet.service.limits import RequestRefused


def open_in_viewer(path: str) -> None:
    """Raises RequestRefused: 404 where the file is gone, 501 where this system has no way to open it."""
    if not Path(path).is_file():
        raise RequestRefused(404, "the file is gone since it was scanned: scan its folder again")
    if sys.platform == "win32":
        os.startfile(path)
        return
    program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    if program is None:
        raise RequestRefused(501, "this machine has no program to open photos with: install xdg-utils")
    viewer = subprocess.Popen(
        [program, path],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Some viewers stay in front of the program that opened them: nobody waits for them but this
    threading.Thread(target=viewer.wait, daemon=True).start()
