"""Records what tests/programs/tf1 print under real TensorFlow, in tf1_programs.json beside this file.

python -m tests.golden.record_tf1_programs      # with an interpreter that has TensorFlow 2.21

TensorFlow 2.21 can still run those that use neither tf.layers, tf.contrib nor tf.estimator: with `tensorflow.compat.v1`
under TensorFlow's name. Of the others only our own output is known, and they check themselves what they print.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).parent.parent / "programs" / "tf1"
RUN = """
import runpy, sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
sys.modules["tensorflow"] = tf
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
DROPPED = ("tf.layers", "contrib", "tf.estimator")


def main() -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONIOENCODING": "utf-8"}
    printed = {}
    for program in sorted(PROGRAMS.glob("*.py")):
        if any(name in program.read_text(encoding="utf-8") for name in DROPPED):
            continue
        run = subprocess.run(
            [sys.executable, "-c", RUN, program], env=quiet, capture_output=True, text=True, encoding="utf-8"
        )
        if run.returncode:
            raise SystemExit(f"{program.name} failed:\n{run.stderr}")
        printed[program.stem] = run.stdout.splitlines()
    path = Path(__file__).parent / "tf1_programs.json"
    path.write_text(json.dumps(printed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
