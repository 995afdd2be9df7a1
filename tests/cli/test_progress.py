"""A bar is drawn for long work on a terminal, and for nothing else."""

import io
import sys

from rgnet.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def attached(monkeypatch, stream: io.StringIO) -> io.StringIO:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def unwanted_total() -> int:
    raise AssertionError("the total was counted")


def test_short_work_draws_nothing_and_counts_nothing(monkeypatch):
    terminal = attached(monkeypatch, Terminal())
    with progress.counter(unwanted_total, "scanning") as advance:
        advance()
    assert terminal.getvalue() == ""


def test_long_work_is_drawn_with_what_was_done_before_the_drawing(monkeypatch):
    terminal = attached(monkeypatch, Terminal())
    with progress.counter(lambda: 40, "scanning") as advance:
        advance()
        monkeypatch.setattr(progress, "DELAY_S", 0)
        advance(2)
    assert "scanning" in terminal.getvalue() and "3/40" in terminal.getvalue()


def test_a_pipe_is_left_alone(monkeypatch):
    pipe = attached(monkeypatch, io.StringIO())
    monkeypatch.setattr(progress, "DELAY_S", -1)
    with progress.counter(unwanted_total, "scanning") as advance:
        advance()
    assert list(progress.track(iter("ab"), total=2, description="x")) == ["a", "b"]
    assert pipe.getvalue() == ""
