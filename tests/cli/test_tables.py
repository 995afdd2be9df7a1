"""Rows and facts: named columns between tabs in a pipe, whole names on a narrow terminal, JSON for programs."""

import io
import json
import sys

import pytest

from rgnet.cli.failures import FailureLog
from rgnet.cli.tables import Column, print_facts, print_json, print_rows

COLUMNS = (Column("score", ".2f", justify="right"), Column("model"), Column("path", wrap=True))
ROWS = [
    {
        "score": 4.5,
        "model": "a-model-with-quite-a-long-name",
        "path": "/home/me/" + "very/" * 15 + "deep.jpg",
    },
    {"score": None, "model": "b", "path": "tab\tand\udcff.jpg", "extra": [1, 2]},
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_a_header_and_a_cell_for_each_column(capsys):
    print_rows(COLUMNS, ROWS)
    heading, first, second = capsys.readouterr().out.splitlines()
    assert heading == "score\tmodel\tpath"
    assert first == f"4.50\t{ROWS[0]['model']}\t{ROWS[0]['path']}"
    assert second == "\tb\ttab\\tand\\udcff.jpg"


def test_json_is_an_object_a_line_with_every_key(capsys):
    print_rows(COLUMNS, ROWS, as_json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_terminal_wraps_paths_and_cuts_nothing(width, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    print_rows(COLUMNS, ROWS[:1])
    text = terminal.getvalue()
    assert "…" not in text and str(ROWS[0]["model"]) in text
    assert str(ROWS[0]["path"]) in "".join(line[-width:].split()[-1] for line in text.splitlines()[1:])


def test_facts_name_each_value_and_skip_what_is_not_known(capsys):
    print_facts({"photos": 3, "mean": 2.5, "camera": None, "paths": ["a.jpg", "b.jpg"]})
    assert capsys.readouterr().out == "field\tvalue\nphotos\t3\nmean\t2.500\npaths\ta.jpg\npaths\tb.jpg\n"


def test_facts_as_json_are_one_object_with_every_key_in_one_word(capsys):
    print_facts({"scored photos": 3, "camera": None}, as_json=True)
    assert capsys.readouterr().out == '{"scored_photos": 3, "camera": null}\n'


def test_json_holds_file_names_that_are_not_text(capsys):
    print_json({"path": "ü\udcff"})
    assert capsys.readouterr().out == '{"path": "ü\\udcff"}\n'


def test_the_first_failures_are_lines_and_the_rest_is_counted(capsys):
    log = FailureLog()
    for index in range(13):
        log.add(f"{index}.jpg", "This file is empty.")
    log.print("look into the table")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "not scored: 0.jpg: This file is empty." and len(lines) == 11
    assert lines[-1] == "not scored: 3 more photos; look into the table"
