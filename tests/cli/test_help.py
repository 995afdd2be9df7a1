"""Help is generated from docstrings and options, reads well at 80 columns, and its examples are commands that exist."""

import os
import subprocess
import sys

import pytest
import typer.main

from rgnet.cli import COMMANDS, SUBCOMMANDS, app
from rgnet.cli.help import examples, help_text

GROUP = typer.main.get_command(app)
FUNCTIONS = {function.__name__: function for functions in COMMANDS.values() for function in functions}
PARSERS = dict(GROUP.commands)
for _above, _functions in SUBCOMMANDS.items():
    for _function in _functions:
        _name = _function.__name__.replace("_", "-")
        FUNCTIONS[f"{_above.__name__} {_name}"] = _function
        PARSERS[f"{_above.__name__} {_name}"] = GROUP.commands[_above.__name__].commands[_name]


def help_of(*words: str) -> str:
    environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"}
    command = [sys.executable, "-m", "rgnet", *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def test_every_command_stands_in_a_panel_of_the_root_help():
    text = help_of()
    places = [
        text.index(f"─ {panel} ─") for panel in ("Score", "Library", "Models", "Training", "Operations")
    ]
    assert places == sorted(places)
    assert set(FUNCTIONS) == set(PARSERS)
    for panel, functions in COMMANDS.items():
        section = text.split(f"─ {panel} ─")[1].split("╰")[0]
        assert all(f"│ {function.__name__} " in section for function in functions)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_paragraphs_flow_and_examples_stand_in_lines_of_their_own(name):
    text = PARSERS[name].help
    *prose, shown = text.split("\n\n")
    assert all("\n" not in paragraph for paragraph in prose)
    assert shown.startswith("Examples:\n$ rgnet ")
    assert all(len(line) <= 78 for line in shown.splitlines())


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_examples_are_calls_of_the_command_that_the_parser_takes(name):
    from test_documentation import check_call, commands_in

    lines = examples(FUNCTIONS[name].__doc__)
    calls = [call for line in lines for call in commands_in(f"$ {line}")]
    assert any(call[1 : 1 + len(name.split())] == name.split() for call in calls)
    for call in calls:
        check_call(call)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_parameter_is_explained_and_defaults_are_called_defaults(name):
    for parameter in PARSERS[name].params:
        assert parameter.help, parameter.name
        assert parameter.help.rstrip().endswith("."), parameter.help
        assert "left out" not in parameter.help.lower(), parameter.help


def test_paragraphs_of_a_docstring_become_lines():
    text = help_text(
        """One line.

        Two
        lines.

        Examples:
        $ rgnet a
        $ rgnet b
        """
    )
    assert text == "One line.\n\nTwo lines.\n\nExamples:\n$ rgnet a\n$ rgnet b"
