"""Texts of code that Python does not keep: from `python -c`, standard input, the interactive prompt, and `exec`.

Such code has a made-up file name, so its text is looked for where it may still be: in the command line, in the file
that standard input is, in the prompt's history, in strings that the frames on the stack hold. A text is taken only if
compiling it gives the very code that is asked for, so it is never another's. A text that was found gets a name of its
own in `linecache`, so that errors and tracebacks in converted code can show its lines.
"""

import ast
import linecache
import os
import stat
import sys
import textwrap
from collections.abc import Iterator
from types import CodeType, FrameType

#: Longer strings than this are not taken for programs.
_LONGEST = 1_000_000
#: How many entries of the prompt's history are tried, from the latest.
_ENTRIES = 2000


#: File names that many texts share.
SHARED = ("<string>", "<stdin>")

_names: dict[str, str] = {}


def find(code: CodeType) -> str | None:
    """The name in `linecache` of the text that `code` was compiled from, if there is one."""
    for text, mode in _candidates(code):
        if _is_from(code, text, mode):
            return _names.get(text) or _register(text, code.co_filename)
    return None


def _register(text: str, filename: str) -> str:
    name = _names[text] = f"{filename[:-1]}-{len(_names) + 1}>"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    return name


def _candidates(code: CodeType) -> Iterator[tuple[str, str]]:
    if code.co_filename == "<string>":
        command = _command_line()
        yield command, "exec"
        yield textwrap.dedent(command), "exec"
        for text in _strings_on_the_stack():
            yield text, "exec"
    elif code.co_filename == "<stdin>":
        yield _standard_input(), "exec"
        for text in _entries(code):
            yield text, "single"


def _is_from(code: CodeType, text: str, mode: str) -> bool:
    if code.co_name != "<lambda>" and code.co_name not in text:
        return False
    try:
        whole = compile(text, code.co_filename, mode, dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return any(inner == code for inner in _codes(whole))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _command_line() -> str:
    """The text of `python -c text`, or nothing."""
    arguments = iter(sys.orig_argv[1:])
    for argument in arguments:
        if argument in ("-W", "-X"):
            next(arguments, None)
        elif argument.startswith("-") and not argument.startswith("--") and argument.endswith("c"):
            return next(arguments, "")
    return ""


def _strings_on_the_stack() -> Iterator[str]:
    """The strings that could be programs, in the frames that lead here: their variables and constants."""
    seen: set[int] = set()
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        for value in (*frame.f_locals.values(), *frame.f_globals.values(), *frame.f_code.co_consts):
            if type(value) is str and len(value) <= _LONGEST and id(value) not in seen and _may_define(value):
                seen.add(id(value))
                yield value
        frame = frame.f_back


def _may_define(text: str) -> bool:
    return "def " in text or "lambda" in text


def _standard_input() -> str:
    """The whole of standard input where it is a file, as in `python < script.py`, without moving the place in it."""
    try:
        number = sys.__stdin__.fileno() if sys.__stdin__ is not None else -1
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LONGEST or not hasattr(os, "pread"):
            return ""
        return os.pread(number, status.st_size, 0).decode()
    except (OSError, ValueError):
        return ""


def _entries(code: CodeType) -> Iterator[str]:
    """The statements in the prompt's history that may define `code`, the latest first; each was compiled alone."""
    history = sys.modules.get("readline")
    if history is None:
        return
    count = history.get_current_history_length()
    lines = [history.get_history_item(i) or "" for i in range(max(1, count - _ENTRIES), count + 1)]
    for start in reversed(range(len(lines))):
        if lines[start][:1].isspace() or not lines[start]:
            continue
        end = start + 1
        while end < len(lines) and _goes_on(lines, start, end):
            end += 1
        yield "\n".join(lines[start:end]) + "\n"


def _goes_on(lines: list[str], start: int, end: int) -> bool:
    """Whether a line belongs to the statement before it: it is indented, empty, or completes a decorator."""
    if not lines[end] or lines[end][:1].isspace():
        return True
    try:
        ast.parse("\n".join(lines[start:end]))
    except SyntaxError:
        return True
    return False
