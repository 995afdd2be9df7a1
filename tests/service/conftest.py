"""Services in this process and in processes of their own, and a catalogue for them to show.

What many tests can share is started once a session; a test that changes, kills or stops something starts its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sample_photos import HOSTILE_NAME, add_location, noise
from scanned import Library, scan
from serving import Running, kill, shared_process, start
from starlette.testclient import TestClient

import rgnet
from rgnet.catalogue.database import Catalogue
from rgnet.imaging.workers import DecodePool
from rgnet.service.app import create_app
from rgnet.service.settings import Settings


@pytest.fixture(scope="session")
def photo() -> Callable[..., bytes]:
    return noise


# --- in this process -------------------------------------------------------------------------------------


class SharedPool(DecodePool):
    """Outlives the applications that use it."""

    def __exit__(self, *_exception: object) -> None:
        pass


@pytest.fixture(scope="session")
def shared_pool() -> Iterator[DecodePool]:
    pool = SharedPool(1)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def open_service(tiny_model, shared_pool) -> Callable[..., contextlib.AbstractContextManager[TestClient]]:
    """Opens a service of the tiny model, with these settings, for a client in this process.

    All share one scorer and one decoding process, which keep nothing of a photo; with `own_pool` it has its own.
    """
    scorer = rgnet.load(tiny_model, threads=1)

    @contextlib.contextmanager
    def open(*, own_pool: bool = False, **settings) -> Iterator[TestClient]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rgnet, "load", lambda _model, threads: scorer)
            if not own_pool:
                patch.setattr("rgnet.service.inference.DecodePool", lambda *_, **__: shared_pool)
                patch.setattr("rgnet.service.gallery.DecodePool", lambda *_, **__: shared_pool)
            app = create_app(Settings(**settings))
        with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50000)) as client:
            yield client

    return open


@pytest.fixture(scope="session")
def service(open_service) -> Iterator[TestClient]:
    """One with default settings that many tests share: each leaves it as it was."""
    with open_service() as client:
        yield client


# --- in a process of its own -----------------------------------------------------------------------------


@pytest.fixture
def run_service(tiny_model, tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts `rgnet serve` with these words and variables; whatever still runs at the end of the test is killed."""
    started: list[Running] = []

    def run(*words: object, **variables: str) -> Running:
        running = start(tiny_model, tmp_path / f"serve-{len(started)}.log", words, variables)
        started.append(running)
        return running

    yield run
    for running in started:
        kill(running.process)


@pytest.fixture(scope="session")
def running_service(tiny_model, tmp_path_factory) -> Iterator[Running]:
    """A process with default settings that many tests share: none stops it or kills its decoders."""
    with shared_process(tiny_model, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="session")
def running_gallery(tiny_model, library, tmp_path_factory) -> Iterator[Running]:
    """The same with a gallery of `library`."""
    folder = tmp_path_factory.mktemp("gallery")
    with shared_process(tiny_model, folder, "--catalogue", library.catalogue) as running:
        yield running


# --- a catalogue to show ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def library(tiny_model, tmp_path_factory) -> Library:
    """Eight photos, a copy of one, a hostile name, and a file that is no photo. Not to be changed."""
    folder = tmp_path_factory.mktemp("photos") / "library"
    (folder / "sub").mkdir(parents=True)
    for seed in range(6):
        (folder / f"{seed}.jpg").write_bytes(noise(seed))
    (folder / HOSTILE_NAME).write_bytes(noise(6))
    (folder / "sub" / "large.jpg").write_bytes(add_location(noise(7, size=(900, 600))))
    (folder / "sub" / "copy.jpg").write_bytes(noise(0))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    return scan(folder, tiny_model, exit_code=3)


@pytest.fixture
def look_alikes(library) -> Iterator[None]:
    """0.jpg to 2.jpg are a burst, and 3.jpg to 5.jpg a bracket, as long as the test runs."""
    with Catalogue.open(library.catalogue) as catalogue:
        kept = list(map(tuple, catalogue.rows("SELECT * FROM measurement")))
        ids = [_id_of(catalogue, library.folder / f"{number}.jpg") for number in range(6)]
        for number, id in enumerate(ids):
            catalogue.execute(
                """UPDATE measurement SET (hash, thumbnail, sharpness, clipped) =
                   (SELECT hash, thumbnail, sharpness, clipped FROM measurement WHERE photo = ?) WHERE photo = ?""",
                (ids[number // 3 * 3], id),
            )
            taken = f"2026-11-26T10:{number // 3:02}:0{number % 3}"
            catalogue.execute("UPDATE photo SET taken = ? WHERE id = ?", (taken, id))
            if number > 2:
                exposure = (0.02, 0.005, 0.08)[number - 3]
                catalogue.execute("UPDATE measurement SET seconds = ? WHERE photo = ?", (exposure, id))
        yield
        marks = ", ".join("?" * len(kept[0]))
        catalogue.execute_many(f"INSERT OR REPLACE INTO measurement VALUES ({marks})", kept)
        catalogue.execute_many("UPDATE photo SET taken = NULL WHERE id = ?", [(id,) for id in ids])


def _id_of(catalogue: Catalogue, path: Path) -> int:
    return catalogue.count("SELECT photo FROM path WHERE path = ?", (os.fsencode(path.resolve()),))


@pytest.fixture
def changing_library(tiny_model, tmp_path) -> Library:
    """Four photos of this test's own."""
    folder = tmp_path / "library"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.jpg").write_bytes(noise(seed))
    return scan(folder, tiny_model, exit_code=0)
