"""What is measured. Each work is a function of that name in `works/<framework>/<module>.py`: it builds what it needs
and returns a callable that does the work once and has finished it when it returns.

duoflow and TensorFlow run the same files: `works/tf/`, ordinary TensorFlow and Keras code, and `works/keras/`, which
Keras runs on JAX and on PyTorch as well.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One row of the table."""

    name: str
    title: str
    module: str
    function: str
    arguments: tuple[int, ...] = ()
    units: int = 1  # what one call does, times the unit the table shows
    flops: int = 0  # of one call: the table then shows GFLOP/s
    trains: bool = False  # then its processor time and its process's peak memory are figures too
    group: str = ""  # works of one group share their processes

    @property
    def processes(self) -> str:
        """Works with the same value run in the same worker processes."""
        return self.group or self.name


def gemm(m: int, k: int, n: int, transpose_a: bool = False, transpose_b: bool = False) -> Work:
    """A matrix product [m, k] x [k, n], with the operands stored transposed where said."""
    a = f"({k}x{m})ᵀ" if transpose_a else f"{m}x{k}"
    b = f"({n}x{k})ᵀ" if transpose_b else f"{k}x{n}"
    name = f"gemm_{m}x{k}x{n}" + "_ta" * transpose_a + "_tb" * transpose_b
    return Work(
        name, f"matmul {a} · {b}", "gemm", "matmul", (m, k, n, int(transpose_a), int(transpose_b)),
        flops=2 * m * k * n, group="gemm",
    )  # fmt: skip


WORKS = {
    work.name: work
    for work in (
        Work("eager_add", "eager: scalar add", "eager", "scalar_add", group="eager"),
        Work("eager_gradient", "eager: 20 ops and their gradient", "eager", "expression_gradient", group="eager"),
        Work("function_call", "compiled function: scalar add", "eager", "compiled_add", group="eager"),
        Work("mlp_step", "MLP 784-128-64-10, batch 32, Adam: step", "training", "mlp_step", trains=True),
        Work("mlp_fit", "the same by fit: step of 1500", "fit", "mlp_fit", units=1500, trains=True),
        Work("cnn_step", "CNN 28x28, batch 64, Adam: step", "training", "cnn_step", trains=True),
        Work("lstm_step", "LSTM(128) over [32, 50, 64], Adam: step", "training", "lstm_step", trains=True),
        Work("mlp_loop", "the MLP's step, not compiled", "training", "mlp_loop", trains=True),
        Work("cnn_loop", "the CNN's step, not compiled", "training", "cnn_loop", trains=True),
        Work("lstm_loop", "the LSTM's step, not compiled", "training", "lstm_loop", trains=True),
        Work("transformer_step", "2 encoder layers, d 256, Adam: step", "training", "transformer_step", trains=True),
        Work("bottleneck_run", "ResNet bottleneck 56x56x256, batch 1: run", "blocks", "bottleneck_run"),
        Work("bottleneck_step", "the same, batch 8, Adam: step", "blocks", "bottleneck_step", trains=True),
        Work("inverted_run", "MobileNet inverted residual 28x28x32, batch 1: run", "blocks", "inverted_run"),
        Work("inverted_step", "the same, batch 8, Adam: step", "blocks", "inverted_step", trains=True),
        Work("lstm_fit", "LSTM(128) on 80 words, batch 32, Adam, fit: step", "fit", "lstm_fit", units=20, trains=True),
        Work("masked_lstm_fit", "the same, words missing: step", "fit", "masked_lstm_fit", units=20, trains=True),
        Work("bilstm_fit", "two LSTM(64), both ways, 200 words: step", "fit", "bilstm_fit", units=10, trains=True),
        Work("resnet_fit", "ResNet-20 32x32, batch 32, Adam, fit: step", "fit", "resnet_fit", units=10, trains=True),
        Work("resnet_predict", "the same, predict: batch of 32", "fit", "resnet_predict", units=10),
        gemm(32, 784, 128),
        gemm(32, 128, 64),
        gemm(32, 64, 10),
        gemm(784, 32, 128, transpose_a=True),
        gemm(32, 64, 128, transpose_b=True),
        gemm(1024, 1024, 1024),
        gemm(2048, 256, 1024),
        gemm(1021, 333, 515),
        gemm(2048, 1024, 256),
        gemm(2048, 1024, 256, transpose_b=True),
        gemm(256, 2048, 1024, transpose_a=True),
        gemm(32, 128, 512),
        gemm(128, 1600, 512),
    )
}
