"""The shape of the house: which part may import which, how long a file is, what its text never says."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import duoflow

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(duoflow.__file__).resolve().parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# A part may import itself, the parts named here and, through them, nothing else of ours.
# "public" are the modules directly in duoflow/ (math.py, nn.py, ...) and compat/: tables of names.
MAY_IMPORT = {
    "core": set(),
    "formats": {"core"},
    "ops": {"core", "formats"},
    "passes": {"core"},
    "engines": {"core", "passes"},
    "trace": {"core", "formats", "ops", "passes"},
    "data": {"core", "formats", "ops", "trace"},
    "public": {"core", "formats", "ops", "trace", "data", "passes", "engines"},
    "keras": {"core", "formats", "ops", "trace", "data", "public"},
    "tools": {"core", "formats", "ops", "trace", "data", "public", "passes", "engines", "keras"},
    "top": {"core", "formats", "ops", "trace", "data", "public", "passes", "engines", "keras", "tools"},
}
CORE_MAY_IMPORT = {"numpy", "ml_dtypes", "optree"}

# Imported where they are used, because a program that does not use them need not have them (or wait for them).
OPTIONAL = {
    "cv2", "h5py", "llvmlite", "jax", "onnx", "orbax", "graphviz", "matplotlib", "PIL", "pandas", "scipy", "IPython",
    "grpc",
}  # fmt: skip
MAX_LINES = 700
LONGER: dict[str, str] = {}  # path -> why it is one thing all the same
FORBIDDEN = ("/work" + "/", "sub" + "agent", "/tmp/" + "bash", "file:///" + "opt")


def part_of(path: Path) -> str:
    """The part of the house a module belongs to."""
    inside = path.relative_to(PACKAGE)
    if inside.parts[0] == "__init__.py":
        return "top"
    if inside.name == "__main__.py":
        return "tools"
    return inside.parts[0] if inside.parts[0] in MAY_IMPORT else "public"


def module_name(path: Path) -> str:
    """The dotted name of a module's package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1])


def imports(path: Path, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Absolute names of everything `tree` imports, with line numbers; not what only a type checker imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module_name(path).split(".")
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base]) if base else ".".join(package)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            yield from imports(path, node)


def part_of_import(name: str) -> str | None:
    """The part an imported name of ours belongs to; None for others'."""
    parts = name.split(".")
    if parts[0] != "duoflow":
        return None
    if len(parts) == 1:
        return "public"
    if parts[1] in MAY_IMPORT:
        return parts[1]
    return "public"


def where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def test_imports_go_one_way(trees):
    wrong = []
    for path, tree in trees.items():
        part = part_of(path)
        for name, line in imports(path, tree):
            other = part_of_import(name)
            if other is not None and other != part and other not in MAY_IMPORT[part]:
                wrong.append(f"{where(path)}:{line}: {part} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_core_stands_on_few_others(trees):
    wrong = []
    for path, tree in trees.items():
        if part_of(path) == "core":
            for name, line in imports(path, tree):
                root = name.partition(".")[0]
                if root not in CORE_MAY_IMPORT | {"duoflow"} | sys.stdlib_module_names:
                    wrong.append(f"{where(path)}:{line}: core imports {name}")
    assert not wrong, "\n".join(wrong)


def test_functions_import_only_what_is_optional(trees):
    wrong = []
    for path, tree in trees.items():
        functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        for function in functions:
            for name, line in imports(path, function):
                if name.partition(".")[0] not in OPTIONAL:
                    wrong.append(f"{where(path)}:{line}: {function.name} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_files_are_about_one_thing():
    lengths = {where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    long = [f"{name}: {lines} lines" for name, lines in lengths.items() if lines > MAX_LINES and name not in LONGER]
    assert not long, "\n".join(long)
    assert not [name for name in LONGER if lengths.get(name, 0) <= MAX_LINES], "the list of longer files is out of date"


def test_every_module_opens_with_its_contract(trees):
    silent = [where(path) for path, tree in trees.items() if ast.get_docstring(tree) is None and tree.body]
    assert not silent, "\n".join(silent)


def test_texts_speak_of_the_project_only():
    folders = (PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "docs", ROOT / ".ci")
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in (".py", ".md", ".json", "")]
    files += [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "pyproject.toml"]
    found = []
    for path in files:
        if path.is_file() and "__pycache__" not in path.parts:
            text = path.read_text(encoding="utf-8")
            found += [f"{where(path)}: {word!r}" for word in FORBIDDEN if word in text]
    assert not found, "\n".join(found)
