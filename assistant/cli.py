"""The command line: `ghostwright complete`, `hole`, `ask`, `search`, `index`, `lsp`, `serve`, `doctor` and others."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from assistant import answers, app, ask, doctor, searching
from assistant import settings as settings_files
from assistant.errors import GhostwrightError, ModelError, RequestError
from assistant.files import neighbours, read_text
from assistant.holes import as_json
from assistant.indexes import Indexes, opener
from assistant.languages import language_of
from assistant.plugins import Plugins
from assistant.show import (
    counting,
    show_advice,
    show_answer,
    show_asked,
    show_checks,
    show_filled,
    show_hole,
    show_plugins,
    show_searched,
    show_serving,
    working,
)
from assistant.text import line_offset
from assistant.types import CompletionRequest
from retrieval.repository import repository_root

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a single completion waits for a language server to start; an editor's never do."""

READING = 60.0
"""Seconds that a request waits for its repository to be read; what is read by then is looked at."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; 0 if it did what it was asked for, 1 if not, 2 for a wrong call."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 gets what it can show
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # now, while a closed pipe can still be answered
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains while it exits
        return 1


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    level = logging.DEBUG if options.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        return int(options.run(options))
    except GhostwrightError as error:
        return _fail(str(error), options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        raise
    except Exception as error:  # a plugin's, or a fault of ours
        log.debug("Something failed", exc_info=error)
        return _fail(f"Something failed: {error!r}. `ghostwright -v` and the same again shows where.", options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ghostwright",
        description="Local, private code completion that knows the repository it works in.",
        epilog="example: ghostwright complete examples/report.py:17:5",
    )
    parser.add_argument("--version", action="version", version=f"ghostwright {version('ghostwright')}")
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens to the standard error output")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_complete(commands)
    _add_hole(commands)
    _add_ask(commands)
    _add_search(commands)
    text = "bring the index that search uses up to date, on this machine or on a server that the settings name"
    _add(commands, "index", text, _index, json=True)
    _add_lsp(commands)
    _add_serve(commands)
    _add_download(commands)
    _add(commands, "doctor", "say what is installed, what is wrong and how to mend it", _doctor, json=True)
    _add(commands, "plugins", "list the installed plugins and what each offers", _plugins, json=True)
    return parser


def _add(
    commands: Any, name: str, text: str, run: object, json: bool = False, example: str = ""
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", epilog=f"example: ghostwright {example or name}"
    )
    parser.set_defaults(run=run)
    if json:
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return parser


def _add_complete(commands: Any) -> None:
    text = "complete at a cursor of a file"
    parser = _add(commands, "complete", text, _complete, json=True, example="complete src/app.py:12:9 --explain")
    parser.add_argument(
        "place", metavar="FILE:LINE:COL", help="both count from 1; column 1 is before the first character"
    )
    parser.add_argument("--explain", action="store_true", help="show the prompt, its tokens by source, and the timings")
    parser.add_argument("-n", "--candidates", type=_positive, default=1, metavar="N", help="how many to show (1)")
    parser.add_argument(
        "--model", metavar="MODEL", help="a GGUF file, or remote:ADDRESS, instead of the model in the settings"
    )


def _add_hole(commands: Any) -> None:
    text = "say what is expected at a cursor of a file, which types that is made of, and what in scope gives it"
    parser = _add(commands, "hole", text, _hole, json=True, example="hole src/app.py:12:9")
    parser.add_argument("place", metavar="FILE:LINE:COL", help="as for complete; a name begun there is taken away")


def _add_ask(commands: Any) -> None:
    text = "find what the repository offers for something you want to do, and write the call"
    example = 'ask "how do I add an item to an order" --in src/app.py:12:9'
    parser = _add(commands, "ask", text, _ask, json=True, example=example)
    parser.add_argument("request", metavar="REQUEST", help="what you want to do, in your words; names help")
    parser.add_argument("--in", dest="place", metavar="FILE:LINE:COL", help="where; without it in a file of its own")
    parser.add_argument(
        "--model", metavar="MODEL", help="a GGUF file, or remote:ADDRESS, instead of the model in the settings"
    )


def _add_search(commands: Any) -> None:
    text = "search the repository's code by a description, by meaning and by words"
    parser = _add(
        commands, "search", text, _search, json=True, example='search "where is the price of an order computed"'
    )
    parser.add_argument("query", metavar="QUERY", help="what the code does, in your words; names help")
    parser.add_argument("-n", "--count", type=_positive, default=5, metavar="N", help="how many to show (5)")


def _add_lsp(commands: Any) -> None:
    parser = _add(commands, "lsp", "serve an editor over the Language Server Protocol", _lsp)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--stdio", action="store_true", help="over the standard streams (the default)")
    where.add_argument("--tcp", metavar="HOST:PORT", type=_address, help="on a loopback address, e.g. 127.0.0.1:8765")


def _add_serve(commands: Any) -> None:
    text = "serve programs over HTTP, in our own dialect and those of OpenAI, llama.cpp, Ollama and Tabby"
    parser = _add(commands, "serve", text, _serve, example="serve --port 8765 --root ~/projects/shop")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (127.0.0.1); others need a token")
    parser.add_argument("--port", type=_port, default=8765, help="0 for any that is free (8765)")
    parser.add_argument(
        "--root", type=Path, action="append", metavar="DIR", help="a folder that clients may reach (this repository)"
    )
    parser.add_argument(
        "--token", metavar="TOKEN", help="what clients must send; better in the environment: GHOSTWRIGHT_TOKEN"
    )
    parser.add_argument("--parallel", type=_positive, metavar="N", help="how many are answered at once (2)")
    parser.add_argument(
        "--model", metavar="MODEL", help="a GGUF file, or remote:ADDRESS, instead of the model in the settings"
    )


def _add_download(commands: Any) -> None:
    text = "fetch a model that completes here from then on, or what is missing of it, and check it"
    parser = _add(commands, "download", text, _download, example="download huggingface:Qwen/Qwen2.5-Coder-0.5B")
    parser.add_argument("model", nargs="?", metavar="MODEL", help="as in the setting `model`; without it that one")


def _complete(options: argparse.Namespace) -> int:
    request = _request(options.place, options.candidates)
    editor = {"model": options.model} if options.model is not None else None
    assistant = app.assemble_for(request.path.parent, editor)
    with closing(assistant), working(f"{assistant.model.name}: reading and writing"):
        assistant.open(request, PATIENCE)
        answer = assistant.complete(request)
    if options.json:
        _print_json(answers.as_json(answer, options.explain))
    else:
        show_answer(request, answer, options.explain)
        show_advice(assistant.unfamiliar(request.language))
    return 0 if answer.completions else 1


def _hole(options: argparse.Namespace) -> int:
    request = _request(options.place, 1)
    settings = settings_files.load(request.path.parent)
    with closing(app.knowledge(settings)) as known, working("asking the language server"):
        known.open(request, PATIENCE)
        context = known.holes.at(request, PATIENCE)
    if options.json:
        _print_json(as_json(context))
    else:
        show_hole(context)
    return 0 if context.expected else 1


def _ask(options: argparse.Namespace) -> int:
    request = _request(options.place, 1) if options.place else ask.scratch(Path.cwd())
    editor = {"model": options.model} if options.model is not None else None
    assistant = app.assemble_for(request.path.parent, editor)
    with closing(assistant), counting("reading the repository") as tell:
        asked = ask.ask(assistant, request, options.request, READING, tell=tell)
    if options.json:
        _print_json(ask.as_json(asked, request.root or request.path.parent))
    else:
        show_asked(request, asked)
    return 0 if asked.apis else 1


def _search(options: argparse.Namespace) -> int:
    root = repository_root(Path.cwd() / "any")
    indexes = Indexes(opener(settings_files.load(Path.cwd())), gentle=False)
    with counting("indexing the repository") as tell, closing(indexes):
        searched = searching.search(indexes, root, options.query, options.count, tell=tell)
    assert root is not None
    if options.json:
        _print_json(searching.as_json(searched, root))
    else:
        show_searched(searched, root)
    return 0 if searched.hits else 1


def _index(options: argparse.Namespace) -> int:
    indexes = Indexes(opener(settings_files.load(Path.cwd()), writes=True), gentle=False)
    with counting("indexing the repository") as tell, closing(indexes):
        filled = searching.fill(indexes, repository_root(Path.cwd() / "any"), tell)
    if options.json:
        _print_json(asdict(filled.counts) | {"left_out": filled.left_out})
    else:
        show_filled(filled)
    return 0


def _request(place: str, candidates: int) -> CompletionRequest:
    path, line, column = _parse_place(place)
    text = read_text(path)
    root = repository_root(path)
    language = language_of(path)
    others = tuple(neighbours(path, root, language))
    offset = _offset(text, line, column, path)
    return CompletionRequest(path, language, text, offset, root=root, others=others, candidates=candidates)


def _parse_place(place: str) -> tuple[Path, int, int]:
    """`app.py:3:1` → app.py, 3, 1. Raises RequestError."""
    match = re.fullmatch(r"(.+):(\d{1,9}):(\d{1,9})", place, re.DOTALL)
    if not match:
        raise RequestError(f"“{place}” is not a place: give FILE:LINE:COL, e.g. src/app.py:12:9.")
    return Path(match[1]).absolute(), int(match[2]), int(match[3])


def _offset(text: str, line: int, column: int, path: Path) -> int:
    """The offset of a line and column that count from 1. Raises RequestError."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not 1 <= line <= len(lines):
        raise RequestError(f"{path} has {len(lines)} lines; there is no line {line}.")
    length = len(lines[line - 1])
    if not 1 <= column <= length + 1:
        raise RequestError(f"Line {line} of {path} has {length} characters: COL goes to {length + 1}, not {column}.")
    return line_offset(text, line - 1) + column - 1


def _lsp(options: argparse.Namespace) -> int:
    from assistant import lsp  # half a second of imports that other commands do not need

    lsp.serve(options.tcp)
    return 0


def _serve(options: argparse.Namespace) -> int:
    from assistant.http import server  # FastAPI, which other commands do not need

    roots = options.root or server.default_roots()
    if missing := next((root for root in roots if not root.is_dir()), None):
        raise RequestError(f"There is no folder {missing} to serve.")
    settings = settings_files.load(roots[0], {"model": options.model} if options.model is not None else None)
    token = os.environ.get(server.TOKEN, "") if options.token is None else options.token
    server.serve(options.host, options.port, roots, token, settings, options.parallel or 2, show_serving)
    return 0


def _download(options: argparse.Namespace) -> int:
    settings = settings_files.load(Path.cwd(), {"model": options.model} if options.model else None)
    model = Plugins(settings.disabled_plugins).model(settings)
    download = getattr(model, "download", None)
    if download is None:
        raise ModelError(f"{model.name} is here already, or is run elsewhere: there is nothing to download.")
    print(f"{model.name} is in {download()}. Set `model` to “{settings.model}” to complete with it.")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    with working("looking around, and completing once"):
        checks = doctor.examine(Path.cwd())
    if options.json:
        _print_json([check.as_json() for check in checks])
    else:
        show_checks(checks)
    return 0 if all(check.ok for check in checks) else 1


def _plugins(options: argparse.Namespace) -> int:
    found = Plugins(settings_files.load(Path.cwd()).disabled_plugins).found
    if options.json:
        _print_json([asdict(plugin) for plugin in found])
    else:
        show_plugins(found)
    return 0


def _print_json(value: object) -> None:
    """In ASCII, which any pipe can take, whatever a file's name holds."""
    print(json.dumps(value, indent=2))


def _fail(message: str, options: argparse.Namespace) -> int:
    if getattr(options, "json", False):
        _print_json({"error": message})
    print(f"ghostwright: {message}", file=sys.stderr)
    return 1


def _positive(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 20:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 to 20")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port, a number from 0 to 65535")
    return int(text)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if host not in ("127.0.0.1", "localhost", "[::1]") or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a loopback address with a port, such as 127.0.0.1:8765")
    return host.strip("[]"), int(port)
