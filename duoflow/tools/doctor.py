"""`duoflow doctor`: says what this installation stands on, and checks that its engines compute the same.

The exit status is 1 if a check failed; what is only slow, off or absent is said and is no failure.
"""

import argparse
import importlib.util
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np

import duoflow as tf
from duoflow.core import version
from duoflow.engines import reference
from duoflow.engines.native import cache, target, threads
from duoflow.keras.utils.files import cache_folder

REQUIRED = ("numpy", "llvmlite", "ml_dtypes", "optree", "rich", "h5py")
OPTIONAL = {"jax": "the XLA engine", "onnx": "ONNX files", "graphviz": "drawings of models", "matplotlib": "plots"}

Line = tuple[str, str]


def parser() -> argparse.ArgumentParser:
    """The command's arguments (there are none)."""
    return argparse.ArgumentParser(prog="duoflow doctor", description="Check this installation and say what it found.")


def main(argv: Sequence[str]) -> int:
    """Print the report; returns 1 if a check failed."""
    parser().parse_args(argv)
    for title, lines in (("versions", versions()), ("processor", processor()), ("files", files())):
        print(title)
        for name, text in lines:
            print(f"  {name:<12} {text}")
    print("self-test")
    failures = 0
    for name, check in CHECKS.items():
        try:
            verdict = check()
        except Exception as error:  # a doctor reports what he finds
            verdict = f"{type(error).__name__}: {error}"
        failures += bool(verdict)
        print(f"  {name:<42} {verdict or 'ok'}")
    return 1 if failures else 0


def print_versions() -> int:
    """`duoflow --version`."""
    for name, text in versions():
        print(f"{name} {text}")
    return 0


def versions() -> Iterator[Line]:
    """duoflow, Python and the packages, required and optional."""
    yield "duoflow", version.__version__
    yield "python", f"{platform.python_version()} on {platform.platform()}"
    for name in REQUIRED:
        yield name, metadata.version(name)
    for name, use in OPTIONAL.items():
        yield name, metadata.version(name) if importlib.util.find_spec(name) else f"not installed ({use})"


def processor() -> Iterator[Line]:
    """What code is written for, and how many threads run it."""
    host = target.host()
    yield "target", f"{host.cpu} ({host.triple})"
    yield "vectors", f"{host.vector_bytes * 8} bits, {host.vector_registers} registers"
    yield "threads", f"{threads.thread_count()} (DUOFLOW_THREADS sets the number)"


def files() -> Iterator[Line]:
    """The caches: compiled objects and data sets."""
    directory = cache.cache_directory()
    yield "kernels", "not kept: DUOFLOW_CACHE is off" if directory is None else describe(directory)
    yield "data sets", describe(cache_folder() / "datasets")


def describe(directory: Path) -> str:
    """A folder and how much it holds."""
    if not directory.exists():
        return f"{directory} (empty so far)"
    sizes = [entry.stat().st_size for entry in directory.rglob("*") if entry.is_file()]
    return f"{directory} ({len(sizes)} files, {sum(sizes) / 2**20:.1f} MiB)"


def example(x, w):
    """A product, a row-wise group, a reduction, and the gradient of all that."""
    with tf.GradientTape() as tape:
        tape.watch(w)
        loss = tf.reduce_mean(tf.square(tf.nn.softmax(tf.nn.relu(tf.matmul(x, w)))))
    return loss, tape.gradient(loss, w)


def arguments() -> list[np.ndarray]:
    """What `example` is called with."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((32, 48), np.float32), rng.standard_normal((48, 20), np.float32)]


def expected() -> list[np.ndarray]:
    """The results of `example`, written out in float64."""
    x, w = (array.astype(np.float64) for array in arguments())
    z = x @ w
    exponent = np.exp(np.maximum(z, 0))
    p = exponent / exponent.sum(1, keepdims=True)
    dp = 2 * p / p.size
    dz = p * (dp - (dp * p).sum(1, keepdims=True)) * (z > 0)
    return [np.mean(p * p), x.T @ dz]


def compare(results: Sequence[np.ndarray]) -> str:
    """ "" if the results are what they should be, else how far off they are."""
    errors = [np.abs(got - want).max() / np.abs(want).max() for got, want in zip(results, expected())]
    return "" if max(errors) < 1e-5 else f"off by {max(errors):.1e} relative to the largest element"


def check_eager() -> str:
    """Operations run as they are called."""
    return compare([t.numpy() for t in example(*map(tf.constant, arguments()))])


def check_function() -> str:
    """A traced function on the installed engine."""
    return compare([t.numpy() for t in tf.function(example)(*map(tf.constant, arguments()))])


def check_reference() -> str:
    """The same graph, node by node."""
    graph = tf.function(example).get_concrete_function(*map(tf.constant, arguments())).graph
    return compare(reference.compile(graph).run(arguments()))


CHECKS = {
    "eager": check_eager,
    "reference engine": check_reference,
    "tf.function on the installed engine": check_function,
}
