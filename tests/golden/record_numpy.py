"""Records what calls of tf.experimental.numpy give under real TensorFlow, in numpy.json beside this file, and what a
program prints that uses it, in numpy_guide.txt.

python -m tests.golden.record_numpy      # with an interpreter that has TensorFlow 2.21
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.experimental.numpy_expressions import EXPRESSIONS, described, space_of


def main() -> None:
    tf.experimental.numpy.experimental_enable_numpy_behavior()  # some of its functions need it
    space = space_of(tf, tf.experimental.numpy, np)
    recorded = {text: described(text, space) for text in EXPRESSIONS}
    text = "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in recorded.items()) + "\n}\n"
    here = Path(__file__).parent
    (here / "numpy.json").write_text(text, encoding="utf-8")
    guide = here.parent / "experimental" / "numpy_guide.py"
    printed = subprocess.run([sys.executable, guide], capture_output=True, text=True, check=True).stdout
    (here / "numpy_guide.txt").write_text(printed, encoding="utf-8")


if __name__ == "__main__":
    main()
