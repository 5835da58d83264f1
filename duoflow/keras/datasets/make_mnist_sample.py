"""Cuts the sample of MNIST that ships with the package out of the full data set.

    python -m duoflow.keras.datasets.make_mnist_sample mnist.npz mnist_sample.npz

Each split keeps the classes' proportions: of every digit the first ones in file order, in file order, so that the
same input gives the same sample. The keys are those of `mnist.npz`: x_train, y_train, x_test, y_test.
"""

import argparse
from pathlib import Path

import numpy as np


def first_of_each(labels: np.ndarray, size: int) -> np.ndarray:
    """Indices, in order, of `size` examples: every class by its share (largest remainders), its first ones."""
    classes, counts = np.unique(labels, return_counts=True)
    exact = counts * (size / len(labels))
    share = np.floor(exact).astype(int)
    share[np.argsort(share - exact, kind="stable")[: size - share.sum()]] += 1
    return np.sort(np.concatenate([np.flatnonzero(labels == c)[:n] for c, n in zip(classes, share)]))


def cut(source: Path, target: Path, train: int, test: int) -> None:
    """Write the sample of `train` and `test` digits from `source` to `target`."""
    with np.load(source) as full:
        arrays = {}
        for split, size in (("train", train), ("test", test)):
            keep = first_of_each(full[f"y_{split}"], size)
            arrays |= {f"{part}_{split}": full[f"{part}_{split}"][keep] for part in ("x", "y")}
    np.savez_compressed(target, **arrays)


def main() -> None:
    """Read the arguments and cut."""
    parser = argparse.ArgumentParser(description="Cut the bundled sample of digits out of the full mnist.npz.")
    parser.add_argument("source", type=Path, help="the full mnist.npz")
    parser.add_argument("target", type=Path, help="where the sample goes")
    parser.add_argument("--train", type=int, default=8500, help="training digits (default: %(default)s)")
    parser.add_argument("--test", type=int, default=1500, help="test digits (default: %(default)s)")
    options = parser.parse_args()
    cut(options.source, options.target, options.train, options.test)


if __name__ == "__main__":
    main()
