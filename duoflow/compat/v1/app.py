"""`tf.app`: running a program by its flags.

TensorFlow: tf.compat.v1.app.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import flags

__all__ = ["flags", "run"]


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> None:
    """Read the flags and call `main` (of the script) with what is left of the command line; then exit.

    TensorFlow: tf.compat.v1.app.run.
    """
    arguments = list(sys.argv if argv is None else argv)
    if any(a in ("--help", "-h", "--helpfull") for a in arguments[1:]):
        print(f"{arguments[0]}:\n{flags.FLAGS.get_help()}")
        sys.exit(1)
    try:
        rest = flags.FLAGS(arguments)
    except flags.Error as error:
        print(f"FATAL Flags parsing error: {error}\nPass --help to see the flags.", file=sys.stderr)
        sys.exit(1)
    sys.exit((main or sys.modules["__main__"].main)(rest))  # type: ignore[attr-defined]
