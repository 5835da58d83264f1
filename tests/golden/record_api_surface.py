"""Records the names of TensorFlow and Keras that duoflow has, with the parameters TensorFlow gives them.

    python -m tests.golden.record_api_surface SYMBOLS.tsv

reads a table of public names (columns group, symbol, kind, uses, uses, signature) and writes api_surface.json: the names
found, with their parameters where TensorFlow's signature lists them. A name once recorded may not get lost.
"""

import ast
import json
import sys
from pathlib import Path

import duoflow as tf

TABLE = Path(__file__).with_name("api_surface.json")


def find(symbol):
    """The object of a public name; AttributeError if there is none."""
    first, *rest = symbol.split(".")
    found = tf.keras if first == "keras" else tf
    for part in rest:
        found = getattr(found, part)
    return found


def parameters(signature):
    """The names of positional parameters in the text of a signature, or None where it says nothing."""
    if not signature.startswith("(") or signature in ("(*args, **kwargs)", "(self, *args, **kwargs)"):
        return None
    try:
        arguments = ast.parse(f"def f{signature}: pass").body[0].args
    except SyntaxError:
        return None
    return [a.arg for a in arguments.posonlyargs + arguments.args]


def record(source):
    """Write the table."""
    out = {}
    for line in Path(source).read_text().splitlines()[1:]:
        group, symbol, kind, _, _, signature = line.split("\t")
        if group not in ("tf", "keras"):
            continue
        try:
            find(symbol)
        except AttributeError:
            continue
        out[symbol] = parameters(signature) if kind in ("function", "class") else None
    TABLE.write_text(json.dumps(out, indent=0, sort_keys=True) + "\n")
    print(len(out), "names")


if __name__ == "__main__":
    record(sys.argv[1])
