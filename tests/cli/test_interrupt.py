"""Ctrl-C ends each long command with exit code 130 and one line: what was kept, and what to do."""

import builtins
from pathlib import Path

import pytest
import typer.main

from rgnet.cli import app

NOTHING = "nothing was kept; run the same command again to start over"
STOPPED = {
    "score photos": "no photo was scored; run the same command again",
    "explain photos": "the files written so far are kept; run the same command again with --force",
    "frames photos/a.mp4": "the frames written so far are kept; run the same command again with --force",
    "crop photos --ratio 1:1": "the crops written so far are kept; run the same command again with --force",
    "report": "report.html was not written; scores are kept, so that the same command is quicker",
    "taste": NOTHING,
    "export -o rows.csv": "rows.csv was not written; run the same command again",
    "evaluate rgnet-compact data": NOTHING,
    "compare rgnet-compact mine data": NOTHING,
    "convert -o net.onnx": NOTHING,
    "quantize rgnet-compact data -o net.safetensors": NOTHING,
    "verify data": NOTHING,
    "train yours data -o runs": "the last finished epoch is kept in runs; add --resume to continue from it",
    "train yours data -o new": "no epoch was finished, and nothing was kept; run the same command again",
    "distil data -o runs.safetensors": "the last finished epoch is kept in runs; add --resume",
    "reproduce table1 --data data -o runs": "what is finished is kept in runs; run the same command again",
    "cluster photos rows": "finished parts are kept in rows; run the same command again to resume",
}
# They stop photo by photo, or at once with nothing lost
OTHERS = {"scan", "rate", "push", "serve", "top", "group", "show", "stats", "models", "info"}


def test_every_command_has_chosen_its_end():
    assert {line.split()[0] for line in STOPPED} | OTHERS == set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("line", STOPPED)
def test_ctrl_c_says_what_was_kept_and_what_to_do(line, tmp_path, monkeypatch, typed):
    do_import, module = builtins.__import__, f"rgnet.cli.{line.split()[0]}"

    def interrupt(name, globals=None, *rest):
        """As Ctrl-C does, at the first line of the command, which imports what it needs."""
        if globals and globals.get("__name__") == module:
            raise KeyboardInterrupt
        return do_import(name, globals, *rest)

    monkeypatch.setattr(builtins, "__import__", interrupt)
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    Path("runs/last.ckpt").touch()
    done = typed(*line.split())
    (told,) = done.errors.splitlines()
    assert done.returncode == 130 and told.startswith(f"stopped: {STOPPED[line]}")
