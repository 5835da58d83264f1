"""Records from TensorFlow what tests/compat/expressions.py gives, in compat_v1_values.json beside this file.

python -m tests.golden.record_compat_v1_values      # with an interpreter that has TensorFlow 2.21
"""

import json
from pathlib import Path

from tests.compat.expressions import results

if __name__ == "__main__":
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    path = Path(__file__).parent / "compat_v1_values.json"
    path.write_text(json.dumps(results(tf), indent=1) + "\n", encoding="utf-8")
