"""Pages of the documentation that are generated: the commands from the parser, the changelog from its file."""

from __future__ import annotations

from pathlib import Path

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.core import TyperArgument, TyperGroup, TyperOption

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs calls this with the files of docs/; the pages below join them."""
    files.append(File.generated(config, "commands.md", content=command_reference()))
    files.append(File.generated(config, "changelog.md", content=(ROOT / "CHANGELOG.md").read_text("utf-8")))
    return files


def command_reference() -> str:
    """One section a command: its help, usage, arguments and options, as the parser has them."""
    from rgnet.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    intro = "# Commands\n\nGenerated from the command line itself; `rgnet COMMAND --help` prints the same.\n"
    return "\n".join([intro, *(command_section(name, group) for name in sorted(group.commands))])


def command_section(name: str, group: TyperGroup) -> str:
    command = group.commands[name]
    context = command.context_class(command, info_name=f"rgnet {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = [parameter_row(parameter) for parameter in command.params]
    parts = [f"## rgnet {name}", escape(command.help or ""), f"```text\n{usage}\n```"]
    return "\n\n".join([*parts, "\n".join(["| | | |", "|---|---|---|", *filter(None, rows)])]) + "\n"


def parameter_row(parameter: TyperArgument | TyperOption) -> str:
    """The row of an argument or an option, "" for what is hidden."""
    if parameter.hidden:
        return ""
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if isinstance(parameter, TyperArgument):
        names = f"`{parameter.metavar or parameter.name}`"
    text = escape(parameter.help or "").replace("\n", " ").replace("|", "\\|")
    return f"| {names} | {text} | {default_of(parameter)} |"


def default_of(parameter: TyperArgument | TyperOption) -> str:
    default = parameter.default
    if default is None or isinstance(default, bool) or default in ((), []) or callable(default):
        return ""
    return f"default: `{getattr(default, 'value', default)}`"


def escape(text: str) -> str:
    return text.replace("<", "&lt;").replace("[", "\\[").replace("\b", "")
