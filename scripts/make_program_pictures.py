"""Makes the documentation's pictures of other programs that read rgnet's sidecars: darktable and digiKam.

    python scripts/make_program_pictures.py

Scores a small shoot, writes its sidecars and opens it in each program, on a display of its own and with a
configuration that is thrown away. The pictures go to docs/pictures, as those of make_pictures.py do. A program that is
not installed is skipped. Needs rgnet[all], scikit-image, Xvfb and xdotool (Debian: darktable digikam xvfb xdotool).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from picture_shoot import MARKS, make_marked_shoot
from PIL import Image, ImageGrab

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "pictures"
_WIDTH, _HEIGHT = 1280, 800
_PATIENCE = 300  # seconds
_STILL = 12  # screenshots, 0.5 s apart, without a change: thumbnails are there

DARKTABLE = f"""\
ui_last/import_initial_rating=0
ui_last/maximized=FALSE
ui_last/window_w={_WIDTH}
ui_last/window_h={_HEIGHT}
lighttable/ui/1/bottom_visible=FALSE
lighttable/ui/1/right_visible=FALSE
plugins/lighttable/images_in_row=4
plugins/lighttable/overlays/1/1=3
"""  # 3: permanent overlays

DIGIKAM = f"""\
[General Settings]
{_WIDTH}x{_HEIGHT} screen: Width={_WIDTH}
{_WIDTH}x{_HEIGHT} screen: Height={_HEIGHT}

[MainWindow]
InitialAlbumID=1

[Metadata Settings]
Use XMP Sidecar For Reading=true

[Album Settings]
Show Splash Screen=false

[Database Settings]
Database Type=QSQLITE
Database Name={{folder}}/
Database Name Thumbnails={{folder}}/
"""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="rgnet-pictures-", ignore_cleanup_errors=True) as folder,
        a_display(),
    ):
        home = Path(folder)
        set_environment(home)
        make_marked_shoot(home / "shoot")
        for words in (["scan"], ["rate", "--write"]):
            subprocess.run([sys.executable, "-m", "rgnet", *words, str(home / "shoot")], check=True)
        for name, take in {"darktable": take_darktable, "digikam": take_digikam}.items():
            if shutil.which(name):
                shutil.copytree(home / "shoot", home / name / "Saturday")
                take(home / name)
                print(PICTURES / f"{name}.jpg")
            else:
                print(f"{name} is not installed: no picture of it")


def set_environment(home: Path) -> None:
    """Nothing of the user's own configuration, libraries and running programs is seen."""
    folders = {"CONFIG": home, "CACHE": home / "cache", "DATA": home / "data"}
    os.environ.update({f"XDG_{kind}_HOME": str(folder) for kind, folder in folders.items()}, HOME=str(home))
    os.environ["DBUS_SESSION_BUS_ADDRESS"] = "disabled:"
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"  # digiKam's welcome page does not open as root otherwise


def take_darktable(home: Path) -> None:
    (home / "darktablerc").write_text(DARKTABLE)
    folders = ["--configdir", home, "--cachedir", home / "cache", "--library", home / "library.db"]
    with running(["darktable", *map(str, folders), "--disable-opencl", str(home / "Saturday")]):
        wait_until(
            lambda: count(home / "library.db", "images") == len(MARKS), "darktable has imported the photos"
        )
        act("mousemove 150 600")  # over no photo
        keep(wait_until_still(), "darktable")


def take_digikam(home: Path) -> None:
    database = home / "digikam4.db"
    database.touch()  # digiKam makes its tables in a file that is there, and asks where none is
    Path(os.environ["XDG_CONFIG_HOME"], "digikamrc").write_text(DIGIKAM.format(folder=home))

    # Of a new database it asks for a collection; the next start finds one
    with running(["digikam"]):
        version = "Settings WHERE keyword = 'DBVersion'"
        wait_until(lambda: count(database, version) == 1, "digiKam has made its tables")
        wait_until_still()
    add = "INSERT INTO AlbumRoots (label, status, type, identifier, specificPath) VALUES ('Saturday', 0, 1, ?, '/')"
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(add, (f"volumeid:?path={home / 'Saturday'}",))

    with running(["digikam"]):
        wait_until(lambda: count(database, "ImageInformation") == len(MARKS), "digiKam has read the photos")
        wait_until_still()
        act("key Escape")  # no networks for faces are downloaded
        wait_until_still()
        act("mousemove 700 700 click 1")  # next to the photos: none is selected
        keep(wait_until_still(), "digikam")


@contextlib.contextmanager
def a_display() -> Iterator[None]:
    """A display without a screen for all programs that are started within the block."""
    missing = [name for name in ("Xvfb", "xdotool") if not shutil.which(name)]
    if missing:
        raise SystemExit(f"not installed: {' and '.join(missing)}; no pictures of other programs")
    words = f"Xvfb -displayfd 1 -noreset -nolisten tcp -screen 0 {_WIDTH}x{_HEIGHT}x24".split()
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=quiet, text=True) as process:
        assert process.stdout is not None
        os.environ["DISPLAY"] = f":{process.stdout.readline().strip()}"
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()  # darktable does not end otherwise


def act(words: str) -> None:
    subprocess.run(["xdotool", *words.split()], check=True)


def count(database: Path, table: str) -> int:
    """Rows of a program's own database; 0 before it has made the table."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def wait_until(happened: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise SystemExit(f"not within {_PATIENCE} s: {what}")
        time.sleep(0.5)


def wait_until_still() -> Image.Image:
    """What the display shows once nothing on it changes any more."""
    shots = [ImageGrab.grab()]

    def is_still() -> bool:
        shots.append(ImageGrab.grab())
        if shots[-1] != shots[0] or not shots[0].getbbox():  # changed, or black
            del shots[:-1]
        return len(shots) > _STILL

    wait_until(is_still, "a window that no longer changes")
    return shots[0]


def keep(picture: Image.Image, name: str) -> None:
    picture.save(PICTURES / f"{name}.jpg", quality=85)


if __name__ == "__main__":
    main()
