"""Write docs/command-line.md from the command itself, so that the page cannot fall behind: `make docs`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import typer

from landvote.cli import app
from landvote.runtime.files import write_text

PAGE = Path(__file__).with_name("command-line.md")
HEAD = """# Command line

`make docs` writes this page; edit `src/landvote/cli/` instead. Every verb prints its part with `--help`.
[data.md](data.md) describes the form of a DATA folder.
The exit status is 0 if the command did all of its work, and another number otherwise.
`landvote --version` prints the version.
"""


def reference() -> str:
    """Return the page."""
    verbs: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return HEAD + "".join(section(name, verb) for name, verb in verbs.items() if not verb.hidden)


def section(name: str, verb: Any) -> str:
    """Describe one verb: the line to type, what it does, a row per argument and flag."""
    arguments = [p for p in verb.params if p.param_type_name == "argument"]
    flags = [p for p in verb.params if p.param_type_name == "option" and not p.hidden]
    usage = " ".join(["landvote", name, *map(spelling, arguments), *map(usage_of, flags)])
    rows = "".join(f"| `{spelling(p)}` | {' '.join((p.help or '').split())}{default(p)} |\n" for p in arguments + flags)
    table = f"| | |\n|---|---|\n{rows}" if rows else ""
    return f"\n## landvote {name}\n\n```\n{usage}\n```\n\n{inspect.cleandoc(verb.help or '')}\n\n{table}"


def spelling(parameter: Any) -> str:
    """Return an argument as DATA or IMAGE..., and a flag as --out or --resume."""
    if parameter.param_type_name == "option":
        return str(parameter.opts[0])
    return str(parameter.metavar or parameter.name.upper()) + ("..." if parameter.nargs == -1 else "")


def usage_of(flag: Any) -> str:
    """Return a flag as it stands in the line to type: in brackets where it may be left out."""
    value = "" if flag.is_flag else f" {flag.metavar or flag.name.upper()}"
    text = spelling(flag) + value
    return text if flag.required else f"[{text}]"


def default(parameter: Any) -> str:
    """Return the default in brackets, where there is one that says something."""
    value = parameter.default
    plain = isinstance(value, (int, float, str, Path)) and not isinstance(value, bool)
    return f" (default: `{value}`)" if plain and str(value) else ""


if __name__ == "__main__":
    write_text(PAGE, reference())
