"""TensorFlow and Keras code, run by TensorFlow and by duoflow."""

import os

# The `tf-xla` column asks for it; duoflow and plain TensorFlow run what tf.function does by itself.
JIT_COMPILE = True if os.environ.get("BENCHMARK_JIT_COMPILE") else None
