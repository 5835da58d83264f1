"""Records what the programs in tests/programs print under real TensorFlow, in programs.json beside this file.

python -m tests.golden.record_programs      # with an interpreter that has TensorFlow 2.21
"""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAMS = Path(__file__).parent.parent / "programs"


def main() -> None:
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "PYTHONIOENCODING": "utf-8"}
    printed = {}
    for program in sorted(PROGRAMS.glob("*.py")):
        run = subprocess.run([sys.executable, program], env=quiet, capture_output=True, text=True, encoding="utf-8")
        if run.returncode:
            raise SystemExit(f"{program.name} failed:\n{run.stderr}")
        # tf.print writes to stderr, among the warnings; what it prints is not compared.
        printed[program.stem] = run.stdout.splitlines()
    path = Path(__file__).parent / "programs.json"
    path.write_text(json.dumps(printed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
