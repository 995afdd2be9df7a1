"""A call that crashes, hangs or fails costs itself alone, and the next one is answered."""

import math
import os
import time

import pytest

from rgnet.errors import PhotoDamaged, PhotoDecoderCrashed, PhotoTimedOut
from rgnet.imaging.workers import Cell, Cells


@pytest.fixture
def cell():
    made = Cell(seconds=1.0)
    yield made
    made.close()


def test_a_cell_survives_the_death_of_its_process(cell):
    assert cell.call(math.factorial, 5, name="five") == 120
    first = cell.process.pid
    assert cell.call(math.factorial, 6, name="six") == 720 and cell.process.pid == first
    with pytest.raises(PhotoDecoderCrashed, match=r"^bad: its decoder crashed \(signal SIGABRT\)"):
        cell.call(os.abort, name="bad")
    with pytest.raises(PhotoDecoderCrashed, match=r"^gone: its decoder crashed \(exit code 7\)"):
        cell.call(os._exit, 7, name="gone")
    with pytest.raises(PhotoTimedOut, match=r"^slow: takes more than 1 s"):
        cell.call(time.sleep, 30, name="slow")
    with pytest.raises(PhotoDamaged, match=r"^odd: decoding failed with ValueError: "):
        cell.call(math.sqrt, -1, name="odd")
    assert cell.call(math.factorial, 7, name="seven") == 5040


def test_what_is_printed_does_not_get_among_the_answers(cell):
    assert cell.call(os.write, 1, b"noise", name="loud") == 5
    assert cell.call(print, "more noise", name="loud") is None


def test_memory_is_bounded():
    cell = Cell(seconds=20, memory=2**29)
    with pytest.raises(
        (PhotoDamaged, PhotoDecoderCrashed, PhotoTimedOut), match=r"MemoryError|decoder crashed"
    ):
        cell.call(bytes, 2**30, name="huge")
    cell.close()


def test_tasks_are_taken_a_few_ahead_and_answered_each_for_itself():
    taken = []

    def tasks():
        for number in range(40):
            taken.append(number)
            yield -1 if number == 7 else number

    with Cells(2, seconds=10) as cells:
        answers = cells.as_done(math.isqrt, tasks(), name=str)
        first = next(answers)
        assert len(taken) <= 6
        found = dict([first, *answers])
    assert isinstance(found.pop(-1), PhotoDamaged)
    assert found == {number: math.isqrt(number) for number in range(40) if number != 7}
