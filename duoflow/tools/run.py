"""`duoflow run script.py`: runs a script the way `python script.py` does, with duoflow under TensorFlow's name.

The script is `__main__`, sees its own `sys.argv` and `sys.path[0]`, and its tracebacks and exit status are those it
would have had without us. A script written for TensorFlow 1 is recognised from the names it uses (see `tf1_names`).
"""

import argparse
import ast
import importlib.machinery
import os
import runpy
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path

from duoflow.tools.alias import install_as_tensorflow

# Names that TensorFlow 2 no longer has.
TF1_ONLY = frozenset(
    """
    ConfigProto GPUOptions GraphKeys InteractiveSession Print Session add_to_collection app assign assign_add
    assign_sub all_variables contrib examples disable_eager_execution disable_v2_behavior div enable_eager_execution
    enable_v2_behavior estimator flags get_collection get_default_graph get_default_session get_local_variable
    get_variable get_variable_scope global_variables global_variables_initializer initialize_all_variables
    is_variable_initialized layers local_variables_initializer log logging multinomial placeholder
    placeholder_with_default py_func random_normal random_uniform reset_default_graph set_random_seed
    sparse_placeholder sparse_tensor_to_dense tables_initializer to_bfloat16 to_double to_float to_int32 to_int64
    trainable_variables truncated_normal truncated_normal_initializer variable_scope variables_initializer

    feature_column.input_layer feature_column.linear_model

    nn.bidirectional_dynamic_rnn nn.dynamic_rnn nn.rnn_cell nn.softmax_cross_entropy_with_logits_v2 nn.static_rnn
    nn.xw_plus_b summary.FileWriter summary.merge summary.merge_all train.AdadeltaOptimizer train.AdagradOptimizer
    train.AdamOptimizer train.FtrlOptimizer train.Coordinator train.GradientDescentOptimizer train.MomentumOptimizer
    train.MonitoredTrainingSession train.Optimizer train.RMSPropOptimizer train.Saver train.SyncReplicasOptimizer
    train.batch train.shuffle_batch train.slice_input_producer train.start_queue_runners train.string_input_producer
    train.exponential_decay train.get_global_step train.get_or_create_global_step train.piecewise_constant
    train.polynomial_decay
    """.split()
)

def tf1_names(source: str) -> list[str]:
    """The names of TensorFlow 1 that `source` uses on whatever it calls `import tensorflow`, each once.

    >>> tf1_names("import tensorflow as tf\\nx = tf.placeholder(tf.float32)\\ny = tf.nn.relu(x)")
    ['placeholder']
    """
    tree = ast.parse(source)
    bound, found = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bound |= {alias.asname or alias.name for alias in node.names if alias.name == "tensorflow"}
            found += [part for alias in node.names if (part := tf1_package(alias.name))]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            package, _, rest = node.module.partition(".")
            if package == "tensorflow":
                found += [rest + "." * bool(rest) + alias.name for alias in node.names]
                found += [part for part in [tf1_package(node.module)] if part]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (dotted := dotted_name(node)):
            root, _, rest = dotted.partition(".")
            if root in bound:
                found.append(rest)
    return list(dict.fromkeys(name for name in found if name in TF1_ONLY))


def tf1_package(module: str) -> str | None:
    """The name of TensorFlow 1's package that an imported module is in, or None."""
    rest = module.removeprefix("tensorflow.")
    return next((p for p in ("contrib", "examples") if rest != module and (rest + ".").startswith(p + ".")), None)


def dotted_name(node: ast.expr) -> str | None:
    """The text of an expression such as a.b.c, None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted_name(node.value)):
        return f"{base}.{node.attr}"
    return None


DESCRIPTION = "Run a Python script in which `import tensorflow` and `import keras` mean duoflow."


def parser(name: str = "run", description: str = DESCRIPTION) -> argparse.ArgumentParser:
    """The arguments of a command that runs a script."""
    command = argparse.ArgumentParser(
        prog=f"duoflow {name}",
        description=description,
        epilog="Everything after the script's name is passed to the script.",
    )
    command.add_argument(
        "--tf1",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether `tensorflow` means TensorFlow 1's names (default: recognised from the names the script uses)",
    )
    command.add_argument(
        "-m", dest="module", action="store_true", help="the script is named as a module, as in python -m"
    )
    command.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="seed the random numbers of Python, NumPy and duoflow before the script runs",
    )
    command.add_argument("script", help="the file to run")
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    return command


def main(argv: Sequence[str]) -> int:
    """Run the script; returns its exit status."""
    return execute(parser().parse_args(argv))


def execute(options: argparse.Namespace) -> int:
    """Run the script that the parsed arguments name."""
    if options.seed is not None:
        importlib.import_module("duoflow.keras").utils.set_random_seed(options.seed)
    if options.module:
        install_as_tensorflow(tf1=bool(options.tf1))
        return run_module(options.script, options.arguments)
    source = read_script(options.script)
    install_as_tensorflow(tf1=wants_tf1(source, options.tf1))
    return run_script(options.script, source, options.arguments)


def read_script(path: str) -> bytes:
    """The script's bytes (Python itself finds their encoding); SystemExit like python's where there is no such file."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        print(f"duoflow run: can't open file {path!r}: {error.strerror}", file=sys.stderr)
        raise SystemExit(2) from None


def wants_tf1(source: str | bytes, choice: bool | None) -> bool:
    """Whether the script means TensorFlow 1: the caller's choice, or what its names say."""
    if choice is not None:
        return choice
    try:
        return bool(tf1_names(source))
    except SyntaxError:
        return False  # running the script reports it, in Python's own words


def run_script(path: str, source: bytes, arguments: Sequence[str]) -> int:
    """Execute `source` as `__main__`."""
    file = os.path.abspath(path)
    main_module = types.ModuleType("__main__")
    main_module.__file__ = file
    main_module.__loader__ = importlib.machinery.SourceFileLoader("__main__", file)
    main_module.__builtins__ = __builtins__
    sys.modules["__main__"] = main_module
    sys.argv = [path, *arguments]
    sys.path[0] = str(Path(path).resolve().parent)
    return guarded(lambda: exec(compile(source, file, "exec"), main_module.__dict__))


def run_module(name: str, arguments: Sequence[str]) -> int:
    """Execute the module `name` as `__main__`, found from the working directory as `python -m` does."""
    sys.argv = [name, *arguments]
    sys.path[0] = str(Path.cwd())
    return guarded(lambda: runpy.run_module(name, run_name="__main__", alter_sys=True))


def guarded(execute: Callable[[], object]) -> int:
    """Call `execute`; an exception is printed as Python prints it, without the frames that started the script."""
    try:
        execute()
    except SystemExit:
        raise
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__") in (__name__, "runpy"):
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0
