"""The `gitoma` command line: what it takes, and which command each name stands for.

It parses and hands on; no rule is here. A command's module is imported when that command is asked for, so `--help`
loads neither a server nor a client.

Exit codes: 0 done · 1 it failed · 2 the command line is wrong · 3 the installation is · 4 the code host refused ·
5 somebody else works on the repository · 74 standard output cannot be written · 130 and 143 interrupted or terminated ·
141 nobody reads the output.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from gitoma import __version__
from gitoma.app import console
from gitoma.domain.errors import CallerError, InvalidName, OperatorError
from gitoma.domain.repos.names import Branch, RepoUrl

USAGE_EXIT = 2
OPERATOR_EXIT = 3
INTERRUPTED_EXIT = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code.

    Args:
        argv: The arguments behind the program's name; the process's own if None.

    Raises:
        SystemExit: `--help`, `--version`, or arguments that do not parse (code 2).
    """
    console.prepare()
    try:
        try:
            return _run(argv)
        finally:
            console.flush()
    except console.Unwritable as error:
        console.complain(f"gitoma: {error}")
        console.abandon()
        return console.UNWRITABLE_EXIT
    except BrokenPipeError:
        console.abandon()
        return console.PIPE_EXIT
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT


def _run(argv: Sequence[str] | None) -> int:
    with console.writing():  # `--help` and `--version` are said in there
        arguments = vars(parser().parse_args(argv))
    command, module, function = arguments.pop("command"), arguments.pop("module"), arguments.pop("function")
    try:
        result: int = getattr(import_module(f"gitoma.app.commands.{module}"), function)(**arguments)
    except CallerError as error:
        console.complain(f"gitoma {command}: {error}")
        return USAGE_EXIT
    except OperatorError as error:
        console.complain(f"gitoma {command}: {error}")
        return OPERATOR_EXIT
    return result


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line: scripts and logs show it whole, and `--help` has the rest."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        console.complain(f"{self.prog}: {message} (see {self.prog} --help)")
        raise SystemExit(USAGE_EXIT)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    root = _Parser(
        prog="gitoma",
        description="Autonomous GitHub agents, as background jobs or one at a time from the command line.",
    )
    root.add_argument("--version", action="version", version=f"gitoma {__version__}", help="print the version and stop")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for add in (_add_serve, _add_analyze, _add_run, _add_review, _add_fix_ci, _add_status, _add_reset, _add_doctor):
        add(commands)
    return root


_Commands = argparse._SubParsersAction  # argparse has no public name for what `add_subparsers` returns


def _add(commands: _Commands[_Parser], name: str, what: str, module: str) -> _Parser:
    command = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    command.set_defaults(command=name, module=module, function=module)
    return command


def _add_serve(commands: _Commands[_Parser]) -> None:
    serve = _add(commands, "serve", "serve the REST API and the cockpit", "serve")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", default=8000, type=_port, help="port to listen on, 0 for any (default: %(default)s)")
    serve.add_argument(
        "--auto-token", action="store_true", help="make a token where none is configured, keep it, and print it once"
    )


def _add_analyze(commands: _Commands[_Parser]) -> None:
    analyze = _add(commands, "analyze", "judge a repository's health; runs none of its code", "analyze")
    analyze.add_argument("target", metavar="TARGET", help="https://github.com/<owner>/<repo>, or a local checkout")


def _add_run(commands: _Commands[_Parser]) -> None:
    run = _add(commands, "run", "plan, edit, push, and open a pull request", "run")
    _add_repo(run)
    run.add_argument("--branch", type=_branch, metavar="B", help="the branch to work on")
    run.add_argument("--base", type=_branch, metavar="B", help="the branch to start from")
    run.add_argument("--dry-run", action="store_true", help="show the plan and the diff; push nothing")
    run.add_argument("--yes", action="store_true", help="do not ask before pushing")
    again = run.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with the unfinished run")
    again.add_argument("--fresh", action="store_true", help="start anew")


def _add_review(commands: _Commands[_Parser]) -> None:
    review = _add(commands, "review", "read the review of the agent's pull request, and answer it", "review")
    _add_repo(review)
    review.add_argument("--integrate", action="store_true", help="mend what the review asks for, and push")
    review.add_argument("--pr", type=_pull_request, metavar="N", help="the pull request's number")


def _add_fix_ci(commands: _Commands[_Parser]) -> None:
    fix_ci = _add(commands, "fix-ci", "mend what fails on a branch", "fix_ci")
    _add_repo(fix_ci)
    fix_ci.add_argument("--branch", type=_branch, metavar="B", required=True, help="the branch to mend")
    fix_ci.add_argument("--dry-run", action="store_true", help="show the diff; push nothing")


def _add_status(commands: _Commands[_Parser]) -> None:
    status = _add(commands, "status", "show what the agents of this machine have done, and what to do next", "status")
    status.add_argument("repo", type=_repo, nargs="?", metavar="URL", help="one repository, in detail")


def _add_reset(commands: _Commands[_Parser]) -> None:
    reset = _add(commands, "reset", "forget what an agent wrote down of a repository; what it pushed stays", "reset")
    _add_repo(reset)


def _add_doctor(commands: _Commands[_Parser]) -> None:
    _add(commands, "doctor", "see whether everything that the agents need is there", "doctor")


def _add_repo(command: _Parser) -> None:
    command.add_argument("repo", type=_repo, metavar="URL", help="https://github.com/<owner>/<repo>")


# argparse shows the message of an `ArgumentTypeError` and of nothing else.
def _repo(text: str) -> RepoUrl:
    try:
        return RepoUrl.parse(text)
    except InvalidName as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _branch(text: str) -> Branch:
    try:
        return Branch(text)
    except InvalidName as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _pull_request(text: str) -> int:
    return _number(text, 1, 2**31 - 1)


def _number(text: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a number from {least} to {most}")
