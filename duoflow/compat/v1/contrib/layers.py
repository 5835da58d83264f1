"""`tf.contrib.layers`: layers as functions, with normalisation, activation and collections in one call.

TensorFlow: tf.contrib.layers (1.x).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes
from duoflow.core.graph import get_default_graph
from duoflow.core.late import F
from duoflow.core.tensor import convert

from .. import layers as core_layers
from .. import optimizers, summary
from ..initializers import variance_scaling_initializer as _scaling
from ..initializers import zeros_initializer
from ..modes import GraphKeys
from ..variables import get_variable, variable_scope
from .framework import add_arg_scope, get_global_step, model_variable

__all__ = [
    "apply_regularization", "avg_pool2d", "batch_norm", "bias_add", "conv2d", "conv2d_transpose", "convolution2d",
    "convolution2d_transpose", "dropout", "embed_sequence", "flatten", "fully_connected", "l1_l2_regularizer",
    "l1_regularizer", "l2_regularizer", "layer_norm", "linear", "max_pool2d", "one_hot_encoding", "optimize_loss",
    "relu", "repeat", "separable_conv2d", "softmax", "stack", "sum_regularizer", "summarize_activation",
    "summarize_tensor", "unit_norm", "variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d",
]  # fmt: skip


# -- initializers and regularizers -------------------------------------------------------------------------------------


def xavier_initializer(uniform: bool = True, seed: Any = None, dtype: Any = dtypes.float32) -> Any:
    """Glorot's initializer. TensorFlow: tf.contrib.layers.xavier_initializer."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


xavier_initializer_conv2d = xavier_initializer


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: Any = None, dtype: Any = dtypes.float32
) -> Any:
    """He's initializer, and others of its kind. TensorFlow: tf.contrib.layers.variance_scaling_initializer."""
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise TypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")
    return _scaling(factor, mode.lower(), "uniform" if uniform else "truncated_normal", seed, dtype)


def _strength(scale: Any, name: str) -> None:
    if isinstance(scale, int) and not isinstance(scale, bool):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, float) and scale < 0.0:
        raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")


def l2_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Any]:
    """scale * sum(w^2) / 2. TensorFlow: tf.contrib.layers.l2_regularizer."""
    _strength(scale, "l2_regularizer")
    if scale == 0.0:
        return lambda _: None

    def l2(weights: Any) -> Any:
        with F.name_scope(scope or "l2_regularizer"):
            return F.multiply(F.constant(scale, weights.dtype), F.l2_loss(weights))

    return l2


def l1_regularizer(scale: float, scope: str | None = None) -> Callable[[Any], Any]:
    """scale * sum(|w|). TensorFlow: tf.contrib.layers.l1_regularizer."""
    _strength(scale, "l1_regularizer")
    if scale == 0.0:
        return lambda _: None

    def l1(weights: Any) -> Any:
        with F.name_scope(scope or "l1_regularizer"):
            return F.multiply(F.constant(scale, weights.dtype), F.reduce_sum(F.abs(weights)))

    return l1


def sum_regularizer(regularizer_list: Sequence[Any], scope: str | None = None) -> Callable[[Any], Any]:
    """Several regularizers as one. TensorFlow: tf.contrib.layers.sum_regularizer."""

    def total(weights: Any) -> Any:
        found = [r(weights) for r in regularizer_list if r is not None]
        found = [f for f in found if f is not None]
        return F.add_n(found) if found else None

    return total


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Callable[[Any], Any]:
    """Both. TensorFlow: tf.contrib.layers.l1_l2_regularizer."""
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope)


def apply_regularization(regularizer: Any, weights_list: Any = None) -> Any:
    """The sum of a regularizer over weights. TensorFlow: tf.contrib.layers.apply_regularization."""
    weights = get_default_graph().get_collection(GraphKeys.WEIGHTS) if weights_list is None else weights_list
    if not weights:
        raise ValueError("No weights to regularize.")
    total = F.add_n([p for p in (regularizer(w) for w in weights) if p is not None])
    get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total


def relu_activation(features: Any) -> Any:
    """`tf.nn.relu`, the activation that layers here have by themselves."""
    return F.relu(features)


# -- layers ------------------------------------------------------------------------------------------------------------


def _finished(
    layer: Any, outputs: Any, normalizer_fn: Any, normalizer_params: Any, activation_fn: Any, collections: Any,
    outputs_collections: Any, name: str,
) -> Any:  # fmt: skip
    """Outputs normalised and activated, and the layer's variables in the collections of the model."""
    graph = get_default_graph()
    for variable in layer.weights:
        names = collections or []
        if isinstance(collections, dict):
            names = collections.get(variable.name.rpartition("/")[2].partition(":")[0], [])
        for key in (GraphKeys.MODEL_VARIABLES, *([names] if isinstance(names, str) else names)):
            if not any(v is variable for v in graph.get_collection_ref(key)):
                graph.add_to_collection(key, variable)
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    if activation_fn is not None:
        outputs = activation_fn(outputs)
    if outputs_collections:
        graph.add_to_collections(outputs_collections, outputs)
    return outputs


def _renamed(names: dict[str, str]) -> Callable[..., Any]:
    """A getter that gives a layer's variables the names they have in contrib."""

    def getter(make: Callable[..., Any], name: str, *args: Any, **kwargs: Any) -> Any:
        head, slash, last = name.rpartition("/")
        return make(f"{head}{slash}{names.get(last, last)}", *args, **kwargs)

    return getter


_NAMES = {"kernel": "weights", "bias": "biases", "depthwise_kernel": "depthwise_weights",
          "pointwise_kernel": "pointwise_weights"}  # fmt: skip


@add_arg_scope
def fully_connected(
    inputs: Any, num_outputs: int, activation_fn: Any = relu_activation, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """A dense layer with normalisation and activation (relu by default).

    TensorFlow: tf.contrib.layers.fully_connected.
    """
    with variable_scope(scope, "fully_connected", reuse=reuse, custom_getter=_renamed(_NAMES)) as sc:
        inputs = convert(inputs)
        layer = core_layers.Dense(
            num_outputs, None, normalizer_fn is None and biases_initializer is not None,
            weights_initializer or xavier_initializer(), biases_initializer, weights_regularizer, biases_regularizer,
            trainable=trainable, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        return _finished(
            layer, outputs, normalizer_fn, normalizer_params, activation_fn, variables_collections,
            outputs_collections, sc.name,
        )  # fmt: skip


def _layer_format(data_format: str | None) -> str:
    known = {None: "channels_last", "NHWC": "channels_last", "NCHW": "channels_first"}
    if data_format not in known:
        raise ValueError(f"data_format has to be either NCHW or NHWC, received {data_format}")
    return known[data_format]


@add_arg_scope
def convolution2d(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME",
    data_format: str | None = None, rate: Any = 1, activation_fn: Any = relu_activation, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, weights_regularizer: Any = None,
    biases_initializer: Any = zeros_initializer, biases_regularizer: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """A convolution with normalisation and activation (relu by default). TensorFlow: tf.contrib.layers.conv2d."""
    with variable_scope(scope, "Conv", reuse=reuse, custom_getter=_renamed(_NAMES)) as sc:
        layer = core_layers.Conv2D(
            num_outputs, kernel_size, stride, padding, _layer_format(data_format), rate, None,
            normalizer_fn is None and biases_initializer is not None, weights_initializer or xavier_initializer(),
            biases_initializer, weights_regularizer, biases_regularizer, trainable=trainable, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        return _finished(
            layer, layer(convert(inputs)), normalizer_fn, normalizer_params, activation_fn, variables_collections,
            outputs_collections, sc.name,
        )  # fmt: skip


conv2d = convolution2d


@add_arg_scope
def convolution2d_transpose(
    inputs: Any, num_outputs: int, kernel_size: Any, stride: Any = 1, padding: str = "SAME", data_format: str = "NHWC",
    activation_fn: Any = relu_activation, normalizer_fn: Any = None, normalizer_params: Any = None,
    weights_initializer: Any = None, weights_regularizer: Any = None, biases_initializer: Any = zeros_initializer,
    biases_regularizer: Any = None, reuse: Any = None, variables_collections: Any = None,
    outputs_collections: Any = None, trainable: bool = True, scope: Any = None,
) -> Any:  # fmt: skip
    """The transpose of a convolution. TensorFlow: tf.contrib.layers.conv2d_transpose."""
    with variable_scope(scope, "Conv2d_transpose", reuse=reuse, custom_getter=_renamed(_NAMES)) as sc:
        layer = core_layers.Conv2DTranspose(
            num_outputs, kernel_size, stride, padding, _layer_format(data_format), None,
            normalizer_fn is None and biases_initializer is not None,
            kernel_initializer=weights_initializer or xavier_initializer(), bias_initializer=biases_initializer,
            kernel_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
            _scope=sc, _reuse=reuse,
        )  # fmt: skip
        return _finished(
            layer, layer(convert(inputs)), normalizer_fn, normalizer_params, activation_fn, variables_collections,
            outputs_collections, sc.name,
        )  # fmt: skip


conv2d_transpose = convolution2d_transpose


@add_arg_scope
def separable_conv2d(
    inputs: Any, num_outputs: int, kernel_size: Any, depth_multiplier: int = 1, stride: Any = 1, padding: str = "SAME",
    data_format: str = "NHWC", rate: Any = 1, activation_fn: Any = relu_activation, normalizer_fn: Any = None,
    normalizer_params: Any = None, weights_initializer: Any = None, pointwise_initializer: Any = None,
    weights_regularizer: Any = None, biases_initializer: Any = zeros_initializer, biases_regularizer: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    scope: Any = None,
) -> Any:  # fmt: skip
    """A depthwise and a pointwise convolution. TensorFlow: tf.contrib.layers.separable_conv2d."""
    with variable_scope(scope, "SeparableConv2d", reuse=reuse, custom_getter=_renamed(_NAMES)) as sc:
        start = weights_initializer or xavier_initializer()
        layer = core_layers.SeparableConv2D(
            num_outputs, kernel_size, stride, padding, _layer_format(data_format), rate, depth_multiplier, None,
            normalizer_fn is None and biases_initializer is not None, start, pointwise_initializer or start,
            biases_initializer, weights_regularizer, weights_regularizer, biases_regularizer, trainable=trainable,
            _scope=sc, _reuse=reuse,
        )  # fmt: skip
        return _finished(
            layer, layer(convert(inputs)), normalizer_fn, normalizer_params, activation_fn, variables_collections,
            outputs_collections, sc.name,
        )  # fmt: skip


@add_arg_scope
def batch_norm(
    inputs: Any, decay: float = 0.999, center: bool = True, scale: bool = False, epsilon: float = 0.001,
    activation_fn: Any = None, param_initializers: Any = None, param_regularizers: Any = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS, is_training: Any = True, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    batch_weights: Any = None, fused: bool | None = None, data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False, scope: Any = None, renorm: bool = False, renorm_clipping: Any = None,
    renorm_decay: float = 0.99, adjustment: Any = None,
) -> Any:  # fmt: skip
    """Batch normalisation. TensorFlow: tf.contrib.layers.batch_norm.

    With `updates_collections=None` the averages are updated before the result is given.
    """
    if batch_weights is not None or zero_debias_moving_mean:
        raise NotImplementedError("Weighted batches and zero-debiased averages are not built here.")
    starts = {f"{k}_initializer": v for k, v in (param_initializers or {}).items()}
    with variable_scope(scope, "BatchNorm", reuse=reuse) as sc:
        layer = core_layers.BatchNormalization(
            1 if data_format.startswith("NC") else -1, decay, epsilon, center, scale, trainable=trainable,
            renorm=renorm, adjustment=adjustment, fused=fused, _scope=sc, _reuse=reuse, **starts,
        )  # fmt: skip
        graph = get_default_graph()
        before = len(graph.get_collection_ref(GraphKeys.UPDATE_OPS))
        outputs = layer(convert(inputs), training=is_training)
        updates = graph.get_collection_ref(GraphKeys.UPDATE_OPS)[before:]
        if updates_collections != GraphKeys.UPDATE_OPS:
            del graph.get_collection_ref(GraphKeys.UPDATE_OPS)[before:]
            if updates_collections is None:
                with F.control_dependencies(updates):
                    outputs = F.identity(outputs)
            else:
                for update in updates:
                    graph.add_to_collections(updates_collections, update)
        return _finished(layer, outputs, None, None, activation_fn, variables_collections, outputs_collections, sc.name)


@add_arg_scope
def layer_norm(
    inputs: Any, center: bool = True, scale: bool = True, activation_fn: Any = None, reuse: Any = None,
    variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    begin_norm_axis: int = 1, begin_params_axis: int = -1, scope: Any = None,
) -> Any:  # fmt: skip
    """Layer normalisation. TensorFlow: tf.contrib.layers.layer_norm."""
    with variable_scope(scope, "LayerNorm", reuse=reuse):
        inputs = convert(inputs)
        shape = list(inputs.dims[begin_params_axis % inputs.ndim :])
        beta = model_variable("beta", shape, initializer=zeros_initializer, trainable=trainable) if center else None
        one = lambda s, dtype=None, partition_info=None: F.ones(s, dtype)
        gamma = model_variable("gamma", shape, initializer=one, trainable=trainable) if scale else None
        mean, variance = F.moments(inputs, list(range(begin_norm_axis % inputs.ndim, inputs.ndim)), keepdims=True)
        outputs = F.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)
        return outputs if activation_fn is None else activation_fn(outputs)


@add_arg_scope
def max_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = "NHWC",
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Max pooling. TensorFlow: tf.contrib.layers.max_pool2d."""
    with F.name_scope(scope or "MaxPool2D"):
        return core_layers.MaxPooling2D(kernel_size, stride, padding, _layer_format(data_format))(convert(inputs))


@add_arg_scope
def avg_pool2d(
    inputs: Any, kernel_size: Any, stride: Any = 2, padding: str = "VALID", data_format: str = "NHWC",
    outputs_collections: Any = None, scope: Any = None,
) -> Any:  # fmt: skip
    """Average pooling. TensorFlow: tf.contrib.layers.avg_pool2d."""
    with F.name_scope(scope or "AvgPool2D"):
        return core_layers.AveragePooling2D(kernel_size, stride, padding, _layer_format(data_format))(convert(inputs))


@add_arg_scope
def dropout(
    inputs: Any, keep_prob: Any = 0.5, noise_shape: Any = None, is_training: Any = True,
    outputs_collections: Any = None, scope: Any = None, seed: Any = None,
) -> Any:  # fmt: skip
    """Dropout. TensorFlow: tf.contrib.layers.dropout."""
    with F.name_scope(scope or "Dropout"):
        return core_layers.Dropout(1 - keep_prob, noise_shape, seed)(convert(inputs), training=is_training)


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: Any = None) -> Any:
    """All dimensions but the first as one. TensorFlow: tf.contrib.layers.flatten."""
    with F.name_scope(scope or "Flatten"):
        return core_layers.flatten(convert(inputs))


@add_arg_scope
def bias_add(
    inputs: Any, activation_fn: Any = None, initializer: Any = zeros_initializer, regularizer: Any = None,
    reuse: Any = None, variables_collections: Any = None, outputs_collections: Any = None, trainable: bool = True,
    data_format: str = "NHWC", scope: Any = None,
) -> Any:  # fmt: skip
    """A bias, and an activation. TensorFlow: tf.contrib.layers.bias_add."""
    with variable_scope(scope, "BiasAdd", reuse=reuse):
        inputs = convert(inputs)
        size = inputs.dims[1 if data_format.startswith("NC") else -1]
        bias = model_variable("biases", [size], initializer=initializer, regularizer=regularizer, trainable=trainable)
        outputs = F.bias_add(inputs, bias, data_format)
        return outputs if activation_fn is None else activation_fn(outputs)


@add_arg_scope
def one_hot_encoding(
    labels: Any, num_classes: int, on_value: float = 1.0, off_value: float = 0.0, outputs_collections: Any = None,
    scope: Any = None,
) -> Any:  # fmt: skip
    """One-hot vectors. TensorFlow: tf.contrib.layers.one_hot_encoding."""
    return F.one_hot(F.cast(labels, dtypes.int64), num_classes, on_value, off_value)


@add_arg_scope
def unit_norm(inputs: Any, dim: int, epsilon: float = 1e-7, scope: Any = None) -> Any:
    """Vectors of length one. TensorFlow: tf.contrib.layers.unit_norm."""
    inputs = convert(inputs)
    return inputs / (epsilon + F.sqrt(F.reduce_sum(F.square(inputs), dim, keepdims=True)))


def relu(inputs: Any, num_outputs: int, **kwargs: Any) -> Any:
    """`fully_connected` with relu. TensorFlow: tf.contrib.layers.relu."""
    return fully_connected(inputs, num_outputs, activation_fn=F.relu, **kwargs)


def linear(inputs: Any, num_outputs: int, **kwargs: Any) -> Any:
    """`fully_connected` without an activation. TensorFlow: tf.contrib.layers.linear."""
    return fully_connected(inputs, num_outputs, activation_fn=None, **kwargs)


def softmax(logits: Any, scope: Any = None) -> Any:
    """`tf.nn.softmax`. TensorFlow: tf.contrib.layers.softmax."""
    with F.name_scope(scope or "softmax"):
        return F.softmax(logits)


def repeat(inputs: Any, repetitions: int, layer: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A layer several times, each with its own variables. TensorFlow: tf.contrib.layers.repeat."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat"):
        name = layer.__name__
        for i in range(repetitions):
            inputs = layer(inputs, *args, scope=f"{scope or name}_{i + 1}", **kwargs)
        return inputs


def stack(inputs: Any, layer: Callable[..., Any], stack_args: Sequence[Any], **kwargs: Any) -> Any:
    """A layer once for each of some arguments. TensorFlow: tf.contrib.layers.stack."""
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack"):
        for i, arguments in enumerate(stack_args):
            args = arguments if isinstance(arguments, (list, tuple)) else [arguments]
            inputs = layer(inputs, *args, scope=f"{scope or layer.__name__}_{i + 1}", **kwargs)
        return inputs


def embed_sequence(
    ids: Any, vocab_size: int | None = None, embed_dim: int | None = None, unique: bool = False,
    initializer: Any = None, regularizer: Any = None, trainable: bool = True, scope: Any = None, reuse: Any = None,
) -> Any:  # fmt: skip
    """Rows of a table for a sequence of numbers. TensorFlow: tf.contrib.layers.embed_sequence."""
    if not (reuse or (vocab_size and embed_dim)):
        raise ValueError(f"Must specify vocab size and embedding dimension when not reusing: {vocab_size}, {embed_dim}")
    with variable_scope(scope, "EmbedSequence", reuse=reuse):
        shape = [vocab_size, embed_dim] if vocab_size and embed_dim else None
        table = get_variable("embeddings", shape, None, initializer, regularizer, trainable)
        return F.gather(table, ids)


#: Optimizers by the names that `optimize_loss` takes.
_OPTIMIZERS: dict[str, Any] = {
    "Adagrad": optimizers.AdagradOptimizer, "Adam": optimizers.AdamOptimizer, "Ftrl": optimizers.FtrlOptimizer,
    "Momentum": lambda rate: optimizers.MomentumOptimizer(rate, 0.9), "RMSProp": optimizers.RMSPropOptimizer,
    "SGD": optimizers.GradientDescentOptimizer,
}  # fmt: skip


# -- training and summaries --------------------------------------------------------------------------------------------


def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """A scalar or a histogram of a tensor. TensorFlow: tf.contrib.layers.summarize_tensor."""
    name = tag or tensor.op.name
    return summary.scalar(name, tensor) if tensor.dims == () else summary.histogram(name, tensor)


def summarize_activation(op: Any) -> Any:
    """A histogram of activations. TensorFlow: tf.contrib.layers.summarize_activation."""
    return summary.histogram(f"{op.op.name}/activation", op)


def optimize_loss(
    loss: Any, global_step: Any, learning_rate: Any, optimizer: Any, gradient_noise_scale: float | None = None,
    gradient_multipliers: Any = None, clip_gradients: Any = None, learning_rate_decay_fn: Any = None,
    update_ops: Any = None, variables: Any = None, name: str | None = None, summaries: Any = None,
    colocate_gradients_with_ops: bool = False, increment_global_step: bool = True,
) -> Any:  # fmt: skip
    """A training operation by an optimizer's name, class, object or function; it gives the loss.

    TensorFlow: tf.contrib.layers.optimize_loss.
    """
    graph = get_default_graph()
    with variable_scope(name, "OptimizeLoss"):
        step = get_global_step() if global_step is None else global_step
        updates = graph.get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
        rate = None if learning_rate is None else convert(learning_rate, dtype_hint=dtypes.float32)
        if rate is not None and learning_rate_decay_fn is not None:
            rate = learning_rate_decay_fn(rate, step)
        if isinstance(optimizer, str):
            if optimizer not in _OPTIMIZERS:
                raise ValueError(f"Optimizer name should be one of {list(_OPTIMIZERS)}, you provided {optimizer}.")
            optimizer = _OPTIMIZERS[optimizer]
        chosen = optimizer if isinstance(optimizer, optimizers.Optimizer) else optimizer(rate)
        with F.control_dependencies(updates):
            loss = F.identity(loss)
        pairs = [(g, v) for g, v in chosen.compute_gradients(loss, variables) if g is not None]
        if gradient_noise_scale is not None:
            pairs = [(g + gradient_noise_scale * F.random_truncated_normal(F.shape(g)), v) for g, v in pairs]
        if gradient_multipliers is not None:
            pairs = [(g * gradient_multipliers.get(v, gradient_multipliers.get(v.name, 1.0)), v) for g, v in pairs]
        if isinstance(clip_gradients, (int, float)):
            clipped, _ = F.clip_by_global_norm([g for g, _ in pairs], clip_gradients)
            pairs = list(zip(clipped, [v for _, v in pairs], strict=True))
        elif callable(clip_gradients):
            pairs = clip_gradients(pairs)
        train = chosen.apply_gradients(pairs, step if increment_global_step else None, "train")
        with F.control_dependencies([train]):
            return F.identity(loss)
