"""Writes docs/coverage.md: which public names of Keras there are here, with Keras' signature, and which are tested.

    python -m tests.golden.record_coverage SYMBOLS.tsv

reads a table of public names (columns group, symbol, kind, uses, uses, signature; long signatures may be cut off). A name
counts as tested if a test, or a table of cases, names it, or another name of the same object.
"""

import inspect
import re
import sys
from collections import defaultdict
from pathlib import Path

from duoflow import keras
from tests.golden.record_api_surface import find

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "coverage.md"
#: Families in the order they are shown in; the rest follow.
FIRST = "layers models optimizers losses metrics callbacks initializers regularizers constraints activations ops random".split()
#: Where the names are not those of Keras' own arguments, and why.
OTHERS = {
    "keras.KerasTensor", "keras.Layer", "keras.layers.Layer", "keras.Optimizer", "keras.optimizers.Optimizer",
    "keras.Sequential", "keras.models.Sequential",
}  # fmt: skip


#: Tables of expressions that leave out the namespace.
TABLES = {
    "keras/expression_cases.py": ("ops", "nn", "random", "activations"),
    "keras_training/loss_cases.py": ("losses",),
    "keras_training/metric_cases.py": ("metrics",),
}


def signature(found):
    """A signature as the table writes it, without types; None where there is none."""
    try:
        given = inspect.signature(found)
    except (TypeError, ValueError):
        return None
    bare = [p.replace(annotation=inspect.Parameter.empty) for p in given.parameters.values()]
    return str(given.replace(parameters=bare, return_annotation=inspect.Signature.empty))


def agrees(found, recorded):
    """Whether a signature is that of the table, as far as the table goes; int and tuple defaults mean the same."""
    ours = signature(found)
    if ours is None or not recorded.startswith("("):
        return None
    recorded = re.sub(r": (bool|int|float|str)\b", "", recorded)
    short, ours = (re.sub(r"\((\d+)(, \1)+\)", r"\1", text).replace(" ", "") for text in (recorded, ours))
    return ours.startswith(short[:-1]) if len(recorded) >= 400 or not recorded.endswith(")") else ours == short


def words_of_tests():
    """All names in tests and their tables of cases that have to do with Keras, and what follows a namespace in them."""
    words, qualified = set(), set()
    for path in (ROOT / "tests").rglob("*.py"):
        if path.name.startswith("record") or path.name == "test_api_surface.py":
            continue
        text = path.read_text(encoding="utf-8")
        if "keras" in path.as_posix() or "keras" in text:
            words |= set(re.findall(r"\w+", text))
            qualified |= set(re.findall(r"(?=\b(\w+\.\w+)\b)", text))
    for table, spaces in TABLES.items():
        named = re.findall(r"\w+", (ROOT / "tests" / "golden" / table).read_text(encoding="utf-8"))
        qualified |= {f"{space}.{word}" for space in spaces for word in named}
    return words, qualified


def is_tested(symbol, words, qualified):
    """Classes by their name, functions by their name behind a namespace, or in one of the tables of expressions."""
    *_, space, name = symbol.split(".")
    return name in words if name[0].isupper() else f"{space}.{name}" in qualified or f"keras.{name}" in qualified


def collect(source):
    """For each family the rows (symbol, exists, signature agrees, tested)."""
    words, qualified = words_of_tests()
    entries, objects = [], defaultdict(bool)
    for line in Path(source).read_text().splitlines()[1:]:
        group, symbol, kind, _, _, recorded = line.split("\t")
        if group != "keras":
            continue
        try:
            found = find(symbol)
        except AttributeError:
            entries.append((symbol, None, None))
            continue
        same = None if symbol in OTHERS or kind not in ("function", "class") else agrees(found, recorded)
        entries.append((symbol, found, same))
        objects[id(found)] |= is_tested(symbol, words, qualified)
    families = defaultdict(list)
    for symbol, found, same in entries:
        family = symbol.split(".")[1] if symbol.count(".") > 1 else "keras"
        families[family].append((symbol, found is not None, same, found is not None and objects[id(found)]))
    return families


def written(families):
    """The page."""
    order = [f for f in FIRST if f in families] + sorted(set(families) - set(FIRST))
    lines = [
        "# Coverage of Keras' public names", "",
        "Written by `python -m tests.golden.record_coverage SYMBOLS.tsv`; not by hand. A name counts as tested if a test or",
        "a table of cases uses it.", "",
        "| namespace | names | here | here, % | same signature, of those compared | tested |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for family in order:
        rows = families[family]
        here = [row for row in rows if row[1]]
        compared = [row for row in here if row[2] is not None]
        share = 100 * len(here) / len(rows)
        title = "keras" if family == "keras" else f"keras.{family}"
        lines.append(
            f"| {title} | {len(rows)} | {len(here)} | {share:.0f} | {sum(row[2] for row in compared)} of {len(compared)} | "
            f"{sum(row[3] for row in here)} |"
        )
    for title, test in (
        ("Not here", lambda row: not row[1]),
        ("With another signature", lambda row: row[1] and row[2] is False),
        ("Not named in a test", lambda row: row[1] and not row[3]),
    ):
        lines += ["", f"## {title}", ""]
        for family in order:
            names = [row[0].removeprefix("keras.") for row in families[family] if test(row)]
            if names:
                lines += [f"- {family}: {', '.join(names)}"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    assert keras
    PAGE.write_text(written(collect(sys.argv[1])), encoding="utf-8")
    print(PAGE)
