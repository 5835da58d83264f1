"""How many threads run kernels: `tf.config.threading`."""

from __future__ import annotations

from duoflow.core.switches import switches

__all__ = [
    "get_inter_op_parallelism_threads", "get_intra_op_parallelism_threads", "set_inter_op_parallelism_threads",
    "set_intra_op_parallelism_threads",
]  # fmt: skip


def get_intra_op_parallelism_threads() -> int:
    """The number of threads within a kernel; 0 means as many as there are processors.

    TensorFlow: tf.config.threading.get_intra_op_parallelism_threads.
    """
    return switches.threads


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Set the number of threads within a kernel, from the next run on; 0 means as many as there are processors.

    TensorFlow: tf.config.threading.set_intra_op_parallelism_threads.
    """
    if num_threads < 0:
        raise ValueError(f"num_threads must not be negative, received {num_threads}.")
    switches.threads = int(num_threads)


def get_inter_op_parallelism_threads() -> int:
    """The number of kernels that run at once: one; all threads share each kernel.

    TensorFlow: tf.config.threading.get_inter_op_parallelism_threads.
    """
    return switches.inter_op_threads


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Accepted and kept: kernels run one after another, each on all threads.

    TensorFlow: tf.config.threading.set_inter_op_parallelism_threads.
    """
    switches.inter_op_threads = int(num_threads)
