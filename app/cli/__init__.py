"""The command line of contract §8; a command's module is loaded when that command is asked for."""

import gc
import sys
from importlib import import_module

import typer
from pydantic import ValidationError

from app.cli.endings import refuse, stop
from app.domain.problem import Refusal
from app.knowledge.errors import ContentError

# By module: which commands it has. Help lists them in this order.
MODULES = {
    "serve": ("serve",),
    "derive": ("derive",),
    "population": ("population",),
    "history": ("migrate", "alerts", "reindex", "erase", "retain"),
    "content": ("check-content", "profiles", "book", "impact"),
    "audit": ("audit",),
}


def main() -> None:
    """The console script: whatever is refused is told in words, never as a stack trace."""
    try:
        joined(sys.argv[1:2])()
    except Refusal as refusal:
        refuse(refusal)
    except ContentError as error:
        stop(str(error))
    except ValidationError as error:
        faults = "; ".join(
            f"PAINPLAN_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()
        )
        stop(f"The settings are not valid. {faults}")
    except OSError as error:  # a folder that is not there, a disk that is full
        stop(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def joined(asked: list[str]) -> typer.Typer:
    """What is asked for, or every command where the first word names none (``--help``)."""
    named = [module for module, names in MODULES.items() if set(asked) & set(names)]
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    gc.disable()  # loading makes a great many objects and no garbage
    for module in named or MODULES:
        app.add_typer(import_module(f"app.cli.{module}").commands)
    gc.enable()
    return app
