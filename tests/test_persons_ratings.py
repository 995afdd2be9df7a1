"""A person's rating is never overwritten: whatever a person, rgnet and its undo do in whatever order, by every writer.

A rating is a person's where it is not the one that rgnet wrote last, also where rgnet's stars were taken away.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from immich_server import KEY, ImmichServer, running
from sidecars import JPEG, PROGRAMS, rate, undo, wide

from rgnet.integrations import immich
from rgnet.integrations.ledger import Ledger
from rgnet.integrations.mapping import PathMapping
from rgnet.integrations.push import RatedPhoto, push_ratings
from rgnet.xmp.marks import plan_marks
from rgnet.xmp.packet import Packet
from rgnet.xmp.sidecar import apply

FEW = settings(max_examples=25, deadline=None, derandomize=True, database=None)
STARS = st.sampled_from([1, 4, 5])
PERSON = st.tuples(st.just("person"), st.sampled_from([-1, 0, 3, 4]))
MODEL = st.one_of(st.tuples(st.just("rate"), STARS), st.just(("undo", 0)))
MARK = st.tuples(st.just("mark"), st.sampled_from([0, 3, 5]))
TAKEN_AWAY = [("rate", 4), ("person", 0), ("rate", 5), ("undo", 0)]


@dataclass
class History:
    """What a photo went through in a program. wrote, marked: what rgnet wrote last, as a model's and as a person's."""

    program: object
    wrote: int = 0
    marked: int = 0

    def do(self, action: str, stars: int) -> None:
        before = self.program.rating()
        getattr(self.program, action)(stars)
        after = self.program.rating()
        if action == "person":
            assert after == stars
            return
        if self.must_keep(action, before):
            assert after == before, f"{action} {stars}: {before} became {after}"
        elif action == "mark":
            self.wrote, self.marked = 0, after
        else:
            assert after == stars, f"{action} {stars}: {before} became {after}"
            self.wrote = after

    def must_keep(self, action: str, before: int) -> bool:
        if action == "mark":  # the person's own word, in rgnet: gives way to what they said elsewhere alone
            return before not in (0, self.wrote, self.marked)
        return before != self.wrote


class Sidecar:
    """The photo program's half of a sidecar. write: how that program lays out a new one."""

    def __init__(self, folder: Path, write) -> None:
        self.photo, self.file, self.write = folder / "a.jpg", folder / "a.jpg.xmp", write
        self.photo.write_bytes(JPEG)

    def rating(self) -> int:
        if not self.file.exists():
            return 0
        return int(Packet(self.file.read_bytes(), self.file.name).rating or 0)

    def person(self, stars: int) -> None:
        """As programs do: a rating that is there is changed; where there is none, the file is written anew."""
        data = self.file.read_bytes() if self.file.exists() else b""
        changed, count = re.subn(
            rb"""((?:xmp|basic):Rating(?:=["']|>))-?\d""", rb"\g<1>%d" % stars, data, count=1
        )
        if self.rating() != stars:
            self.file.write_bytes(changed if count else self.write(stars))

    def rate(self, stars: int) -> None:
        rate(self.photo, stars)

    def undo(self, _stars: int) -> None:
        undo(self.photo)

    def mark(self, stars: int) -> None:
        apply(plan_marks(self.photo, stars=stars or None).change)


class Immich:
    """One asset, and the ledger of the machine that pushes."""

    def __init__(self, folder: Path, server: ImmichServer, client: immich.Immich) -> None:
        self.server, self.client, self.path = server, client, f"/photos/{folder.name}.jpg"
        self.asset = server.assets[server.add(self.path)]
        self.ledger = Ledger(folder / "ledger.sqlite", create=True)

    def rating(self) -> int:
        return self.asset["rating"] or 0

    def person(self, stars: int) -> None:
        self.asset["rating"] = stars or None

    def rate(self, stars: int) -> None:
        photo = RatedPhoto(self.path, stars)
        list(push_ratings([photo], self.client, self.ledger, PathMapping(), write=True))

    undo = rate


@FEW
@given(
    write=st.sampled_from([program for program in PROGRAMS if program is not wide]),
    actions=st.lists(st.one_of(PERSON, MODEL, MARK), min_size=3, max_size=8),
)
@example(write=PROGRAMS[0], actions=TAKEN_AWAY)
def test_in_sidecars(write, actions):
    pytest.importorskip("lxml.etree", reason="needs lxml")
    with TemporaryDirectory() as folder:
        history = History(Sidecar(Path(folder), write))
        for action, stars in actions:
            history.do(action, stars)


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("httpx", reason="needs httpx")
    server, usual = ImmichServer(), immich.PER_SECOND
    immich.PER_SECOND = 1e6
    with running(server) as url, immich.Immich(url, KEY) as server.client:
        yield server
    immich.PER_SECOND = usual


@FEW
@given(
    actions=st.lists(st.one_of(PERSON, MODEL), min_size=3, max_size=8), null=st.booleans(), bulk=st.booleans()
)
@example(actions=TAKEN_AWAY, null=True, bulk=True)
def test_in_immich(server, actions, null, bulk):
    server.null_clears, server.bulk_rates = null, bulk
    with TemporaryDirectory() as folder:
        program = Immich(Path(folder), server, server.client)
        with program.ledger:
            history = History(program)
            for action, stars in actions:
                history.do(action, stars)
