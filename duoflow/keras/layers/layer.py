"""The base of all layers: when state is built, and what happens around a call."""

from __future__ import annotations

import contextlib
import functools
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

from duoflow import ops as tf
from duoflow.core import nest
from duoflow.core.tensor import Tensor
from duoflow.trace import autograph

from .. import dtype_policies, regularizers
from ..naming import current_path, name_scope
from ..operation import Node, default, is_default
from ..quantizers.configs import resolved
from ..scopes import values_of, with_state
from ..state import session
from ..symbolic import KerasTensor, any_symbolic, compute_output_spec, keras_mask, set_keras_mask
from ..variables import AutocastScope, is_float_dtype
from .call import Call, CallContext, explained, explained_build, has_unbuilt_state, is_tensor
from .input_spec import assert_input_compatibility
from .layer_state import LayerState

__all__ = ["Layer"]


class Layer(LayerState):
    """A computation with state: weights, made when first called, and `call`, what it does to its inputs.

    Subclasses write `build(input_shape)` (or make everything in `__init__`), `call(inputs, ...)` and `get_config()`.
    `training` and `mask` arguments of `call` are filled in from the surrounding call and the inputs' masks.

    Args:
      activity_regularizer: a regularizer of the outputs.
      trainable: whether the variables are trained.
      dtype: a dtype, a policy's name or a policy.
      autocast: whether float inputs are cast to the compute dtype.
      name: unique within a model; made from the class if not given.

    >>> class Scale(tf.keras.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight((input_shape[-1],), "ones", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> layer = Scale(name="scale")
    >>> layer(np.ones((2, 3), "float32")).shape, layer.factor.path
    (TensorShape([2, 3]), 'scale/factor')

    Keras: keras.Layer.
    """

    _tracked_as = "layers"

    def __init__(
        self, *, activity_regularizer: Any = None, trainable: bool = True, dtype: Any = None, autocast: bool = True,
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name)
        self._dtype_policy = dtype_policies.get(dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._take_input_shape(kwargs)
        if kwargs:
            raise ValueError(f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}")
        if not isinstance(trainable, bool):
            raise ValueError(
                f"Expected `trainable` to be a boolean. Received: trainable={trainable} (of type {type(trainable)})"
            )
        self._trainable, self.autocast = trainable, autocast
        self.built = self._called = self._building = False
        self._path: str | None = None
        self._remat_mode = session.remat[-1] if session.remat else None
        self._parent_path: str | None = None
        self._input_spec: Any = None
        self._build_shapes_dict: dict[str, Any] | None = None
        object.__setattr__(self, "_losses", [])
        self._losses_override: Any = None
        self._signature = inspect.signature(self.call)
        self._call_context_args = {"training"}
        self._supports_masking = not is_default(self.compute_mask)
        self._convert_input_args, self._allow_non_tensor_positional_args = True, False

    def _take_input_shape(self, kwargs: dict[str, Any]) -> None:
        """Accept the old way of giving a Sequential model its input shape."""
        dimension, shape = kwargs.pop("input_dim", None), kwargs.pop("input_shape", None)
        batch_shape = kwargs.pop("batch_input_shape", None)
        if batch_shape is not None:
            shape = tuple(batch_shape)[1:]
        if dimension is not None or shape is not None:
            warnings.warn(
                "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential models, prefer "
                "using an "
                "`Input(shape)` object as the first layer in the model instead.",
                stacklevel=4,
            )
            self._input_shape_arg = (dimension,) if dimension is not None else tuple(shape)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Put the bookkeeping around a class' own `build` and `quantize`."""
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _bookkept(cls.__dict__["build"])  # type: ignore[method-assign]
        if "quantize" in cls.__dict__:
            cls.quantize = _checked(cls.__dict__["quantize"])  # type: ignore[method-assign]

    # -- facts -------------------------------------------------------------------------------------------------------

    @property
    def path(self) -> str | None:
        """The names of the layers around this one and its own, "encoder/dense"; None before it is built."""
        return self._path

    @property
    def input_spec(self) -> Any:
        """What the inputs must be: an `InputSpec`, a structure of them, or None."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def supports_masking(self) -> bool:
        """Whether the layer hands masks on (`compute_mask`)."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    @property
    def _call_has_training_arg(self) -> bool:
        return "training" in self._signature.parameters

    @property
    def _call_has_mask_arg(self) -> bool:
        return "mask" in self._signature.parameters

    def _register_call_context_args(self, *names: str) -> None:
        """Pass more arguments down to the layers called inside, as `training` is."""
        if self._called:
            raise RuntimeError("Cannot add call-context args after the layer has been called.")
        self._call_context_args = self._call_context_args | set(names)

    def _obj_type(self) -> str:
        return "Layer"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # -- building ----------------------------------------------------------------------------------------------------

    @default
    def build(self, input_shape: Any = None) -> None:
        """Make the layer's variables, given the shapes of the inputs."""
        self._check_super_called()
        if is_default(self.build) and has_unbuilt_state(self):
            warnings.warn(
                f"`build()` was called on layer '{self.name}', however the layer does not have a `build()` method "
                "implemented and it looks like it has unbuilt state. This will cause the layer to be marked as built, "
                "despite not being actually built, which may cause failures down the line. Make sure to implement a "
                "proper "
                "`build()` method.",
                stacklevel=2,
            )
        self.built = True

    def _lock_state(self) -> None:
        """Refuse further state once built; what can grow overrides this."""
        self._tracker.locked = True

    @contextlib.contextmanager
    def _state_unlocked(self) -> Iterator[None]:
        """Let state be added or exchanged inside."""
        locked, self._tracker.locked = self._tracker.locked, False
        try:
            yield
        finally:
            self._tracker.locked = locked

    def get_build_config(self) -> dict[str, Any] | None:
        """The input shapes that the layer was built with."""
        shapes = self._build_shapes_dict
        if shapes is None:
            return None
        return {"input_shape": next(iter(shapes.values()))} if len(shapes) == 1 else {"shapes_dict": shapes}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with what `get_build_config` gave."""
        if config and "input_shape" in config:
            self.build(config["input_shape"])
        elif config and "shapes_dict" in config:
            self.build(**config["shapes_dict"])

    def _maybe_build(self, call: Call) -> None:
        if self.built:
            return
        if not is_default(self.build):
            shapes = call.shapes_for(self.build, type(self).__name__)
            try:
                self.build(**shapes)
            except (ValueError, TypeError) as error:
                if getattr(error, "_keras_call_info_injected", False):
                    raise
                raise explained_build(error, self, call) from None
            self._assert_input_compatibility(call.first)
            return
        if has_unbuilt_state(self):
            try:
                compute_output_spec(self.call, **call.arguments)
            except Exception as error:
                if call.eager:
                    return  # the call itself will build, or fail with the better message
                warnings.warn(
                    f"Layer '{self.name}' looks like it has unbuilt state, but Keras is not able to trace the layer "
                    "`call()` in order to build it automatically. Possible causes:\n1. The `call()` method of your "
                    "layer may "
                    "be crashing. Try to `__call__()` the layer eagerly on some test input first to see if it works.\n"
                    "2. If the `call()` method is correct, then you may need to implement the `def build(self, "
                    "input_shape)` method on your layer. It should create all variables used by the layer (e.g. by "
                    "calling "
                    f"`layer.build()` on all its children layers).\nException encountered: ''{error}''",
                    stacklevel=4,
                )
        self.build(next(iter(call.shapes().values()), None))

    def _assert_input_compatibility(self, first: Any) -> None:
        if self.input_spec:
            assert_input_compatibility(self.input_spec, first, self.name)

    # -- calling -----------------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the layer on tensors, or extend a symbolic model with it on KerasTensors."""
        self._check_super_called()
        self._called = True
        given_args, given_kwargs = args, kwargs
        # 1. Arrays become tensors of the layer's dtype.
        args, kwargs = self._converted(args, kwargs)
        # 2. Positional arguments are tensors.
        if not self._allow_non_tensor_positional_args:
            self._check_positional(args)
        call = Call(self, self._signature, self._call_context_args, args, kwargs)
        # 3. The first one is what the layer asks for.
        self._assert_input_compatibility(call.first)
        # 4. Variables are made, with the shapes seen now.
        with self._open_name_scope():
            self._maybe_build(call)
        with self._call_context() as context:
            # 5. `training` and its like come from the caller, the call around this one, or the signature.
            self._fill_context_arguments(call, context, kwargs)
            # 6. Masks come from the caller or with the inputs.
            masks = self._fill_masks(call, kwargs)
            # 7. The layer runs, its weights read in its compute dtype.
            with self._open_name_scope(), self._autocast_scope():
                outputs = self._run(args, kwargs, call)
                self.built = True
                # 8. Outputs are regularized and masked.
                if self.activity_regularizer is not None:
                    self._regularize(outputs)
        self._mask_outputs(call.first, outputs, masks)
        # 9. Symbolic calls are remembered.
        if any_symbolic(given_args, given_kwargs):
            Node(self, given_args, given_kwargs, outputs)
        return outputs

    def stateless_call(
        self, trainable_variables: Any, non_trainable_variables: Any, *args: Any, return_losses: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        """Call the layer with given values of its variables, whose own values stay.

        Args:
          trainable_variables, non_trainable_variables: values in the order of the attributes of these names.
          args, kwargs: the arguments of the call.
          return_losses: return what the call and regularizers add to the loss, too.

        Returns `(outputs, non_trainable_variables)`, or these and the losses. Raises `ValueError` before the layer is
        built, and where numbers or shapes of values differ from the variables'.

        >>> dense = tf.keras.layers.Dense(2, kernel_initializer="ones")
        >>> dense.build((None, 3))
        >>> kernel, bias = dense.trainable_variables
        >>> dense.stateless_call([kernel * 2, bias], [], np.ones((1, 3), "float32"))[0].numpy()
        array([[6., 6.]], dtype=float32)

        Keras: keras.Layer.stateless_call.
        """
        self._check_super_called()
        if not self.built:
            raise ValueError(
                f"To call stateless_call, {type(self).__name__} must be built (i.e. its variables must have been "
                "already created). You can build it by calling it on some data."
            )
        state = (
            (self.trainable_variables, trainable_variables, "trainable_variables"),
            (self.non_trainable_variables, non_trainable_variables, "non_trainable_variables"),
        )
        with with_state(*state, collect_losses=return_losses) as scope:
            outputs = self(*args, **kwargs)
            losses = self.losses if return_losses else None
        found = values_of(scope, self.non_trainable_variables)
        return (outputs, found, losses) if return_losses else (outputs, found)

    @default
    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer does to its inputs."""
        raise self._not_implemented("call")

    def _converted(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if not self._convert_input_args:
            return args, dict(kwargs)
        dtype = self.input_dtype
        if len(args) == 1 and is_tensor(args[0]) and _dtype_name(args[0]) == dtype:
            if not kwargs or _NO_TENSORS.issuperset(map(type, kwargs.values())):
                return args, dict(kwargs)

        def convert(x: Any) -> Any:
            mask = keras_mask(x)
            y = self._dtype_policy.convert_input(x, self.autocast, dtype)
            if mask is not None:
                set_keras_mask(y, mask)
            return y

        return nest.map_structure(convert, args), nest.map_structure(convert, kwargs)

    def _check_positional(self, args: tuple[Any, ...]) -> None:
        for arg in nest.flatten(args):
            if arg is not None and not is_tensor(arg):
                raise ValueError(
                    "Only input tensors may be passed as positional arguments. The following argument value should "
                    "be passed "
                    f"as a keyword argument: {arg} (of type {type(arg)})"
                )

    def _fill_context_arguments(self, call: Call, context: CallContext, kwargs: dict[str, Any]) -> None:
        for name in self._call_context_args:
            if name in call.given:
                value = call.given[name]
            elif context.values.get(name) is not None:
                value = context.values[name]
            else:
                value = call.arguments.get(name)
            context.values[name] = value
            if value is not None and name in self._signature.parameters:
                kwargs[name] = call.arguments[name] = value

    def _fill_masks(self, call: Call, kwargs: dict[str, Any]) -> Any:
        """Give `call` the masks it takes and was not given; returns the mask of the first argument."""
        for name, value in call.tensors.items():
            argument = "mask" if len(call.tensors) == 1 else f"{name}_mask"
            if argument in call.arguments and call.arguments[argument] is None:
                kwargs[argument] = nest.map_structure(keras_mask, value)
        if kwargs.get("mask") is not None:
            return kwargs["mask"]
        return nest.map_structure(keras_mask, call.first)

    def _run(self, args: Any, kwargs: dict[str, Any], call: Call) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        try:
            own = self.call if self.quantization_mode is None else self.quantized_call
            function = autograph.convert_in_context(own)
            if self._remat_mode is not None:
                function = self._remat_mode.applied(self, function, args, kwargs)
            return function(*args, **kwargs)
        except Exception as error:
            if getattr(error, "_keras_call_info_injected", False):
                raise
            raise explained(error, self, call.arguments) from None

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call gives; `__call__` adds their history."""
        return self.compute_output_spec(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The KerasTensors that a call gives, without history.

        From `compute_output_shape` where the class has one, else by tracing `call` with unknown dimensions.
        """
        if is_default(self.compute_output_shape):
            return super().compute_output_spec(*args, **kwargs)
        call = Call(self, self._signature, self._call_context_args, args, dict(kwargs))
        shapes = self.compute_output_shape(**call.shapes_for(self.compute_output_shape, type(self).__name__))
        return _tensors_of_shapes(shapes, self.compute_dtype, type(self).__name__)

    @default
    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the output, given those of the inputs."""
        raise self._not_implemented(
            "compute_output_shape", " Should implement `def compute_output_shape(self, input_shape)`."
        )

    @default
    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs, given the inputs and their mask."""
        return previous_mask

    def _regularize(self, outputs: Any) -> None:
        """Add the activity regularizer's loss, per example."""
        for output in nest.flatten(outputs):
            if isinstance(output, Tensor):
                loss = self.activity_regularizer(output)
                if output.ndim > 0:
                    loss = tf.divide_no_nan(loss, tf.cast(tf.shape(output)[0], loss.dtype))
                self.add_loss(loss)

    def _mask_outputs(self, inputs: Any, outputs: Any, masks: Any) -> None:
        if not self.supports_masking:
            if any(mask is not None for mask in nest.flatten(masks)):
                warnings.warn(
                    f"Layer '{self.name}' (of type {type(self).__name__}) was passed an input with a mask attached "
                    "to it. "
                    "However, this layer does not support masking and will therefore destroy the mask information. "
                    "Downstream layers will not see the mask.",
                    stacklevel=3,
                )
            return
        flat = nest.flatten(outputs)
        if all(keras_mask(x) is not None for x in flat):
            return
        computed = self.compute_mask(inputs, masks)
        if computed is None:
            return
        for output, mask in zip(flat, nest.flatten(computed), strict=False):
            if mask is not None and keras_mask(output) is None:
                set_keras_mask(output, mask)

    # -- weights in few bits -----------------------------------------------------------------------------------------

    def quantize(self, mode: str | None = None, type_check: bool = True, config: Any = None) -> None:
        """Keep the large weights in few bits from now on; for layers that can."""
        raise self._not_implemented("quantize")

    def quantized_build(self, input_shape: Any, mode: str | None) -> None:
        """Make the variables of a quantization mode; for layers that can be quantized."""
        raise self._not_implemented("quantized_build")

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer does to its inputs once it is quantized: `_int8_call` and its like."""
        name = f"_{self.quantization_mode}_call"
        if not hasattr(self, name):
            raise self._not_implemented(name)
        return getattr(self, name)(*args, **kwargs)

    def _check_quantizable(self, mode: str) -> None:
        if not self.built:
            raise ValueError(
                f"Cannot quantize a layer that isn't yet built. Layer '{self.name}' (of type '{type(self).__name__}') "
                "is not built yet."
            )
        if self._is_quantized:
            raise ValueError(
                f"Layer '{self.name}' is already quantized with dtype_policy='{self.dtype_policy.name}'. Received: "
                f"mode={mode}"
            )
        if mode == "int8" and self.compute_dtype == "float16":
            raise ValueError(
                f"Quantization mode='{mode}' doesn't work well with compute_dtype='float16'. Consider loading "
                "model/layer with another dtype policy such as 'mixed_bfloat16' or 'mixed_float16' before calling "
                "`quantize()`."
            )

    def _quantize_by_policy(self, policy: dtype_policies.DTypePolicy) -> None:
        if policy.quantization_mode in ("gptq", "awq"):
            kind = str(policy.quantization_mode)
            raise ValueError(
                f"Implicitly enabling {kind.upper()} quantization by setting `dtype_policy` to '{policy.name}' is not "
                f"supported: it looks at data. Use `layer.quantize('{kind}', config=...)` or the model's."
            )
        self.quantize(policy.quantization_mode)

    # -- the surroundings of a call ----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _call_context(self) -> Iterator[CallContext]:
        """The context of the outermost call; what a layer passes down does not reach its siblings."""
        outermost = session.call is None
        if outermost:
            session.call = CallContext(self)
            self._clear_losses()
        context = session.call
        saved = dict(context.values)
        try:
            yield context
        finally:
            context.values = saved
            if outermost:
                session.call = None

    def _open_name_scope(self) -> name_scope:
        if self._parent_path is None:
            self._parent_path = current_path()
        return name_scope(self.name, caller=self)

    def _autocast_scope(self) -> Any:
        """Where weights are read in another dtype than they are kept in, or than the layer around reads its own in."""
        current = session.autocast
        if current is None:
            mixed = self.compute_dtype != self.variable_dtype
            return AutocastScope(self.compute_dtype) if mixed and is_float_dtype(self.compute_dtype) else _NOTHING
        if not self.autocast or not is_float_dtype(self.compute_dtype):
            return AutocastScope(None)
        return AutocastScope(self.compute_dtype) if current.dtype != self.compute_dtype else _NOTHING

    def _not_implemented(self, method: str, hint: str = "") -> NotImplementedError:
        return NotImplementedError(f"Layer {type(self).__name__} does not have a `{method}` method implemented.{hint}")

    # -- config ------------------------------------------------------------------------------------------------------

    @default
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer, as plain data."""
        self._check_super_called()
        config = {
            **super().get_config(),
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self._dtype_policy),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        return config


_NOTHING: Any = contextlib.nullcontext()
#: Types of arguments that no dtype policy converts.
_NO_TENSORS = frozenset({bool, int, float, str, type(None)})


def _bookkept(build: Any) -> Any:
    """A class' `build` inside the layer's name scope, remembered with its shapes; only the outermost one counts."""
    if getattr(build, "_bookkept", False):
        return build
    signature = inspect.signature(build)

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building:
            build(self, *args, **kwargs)
            return
        self._building = True
        try:
            with self._open_name_scope():
                self._path = current_path()
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self._build_shapes_dict = dict(list(signature.bind(self, *args, **kwargs).arguments.items())[1:])
        self.built = True
        self._lock_state()

    wrapper._bookkept = True  # type: ignore[attr-defined]
    return wrapper


def _checked(quantize: Any) -> Any:
    """A class' `quantize`, given the config that mode and config stand for; state may be exchanged inside."""

    @functools.wraps(quantize)
    def wrapper(self: Layer, mode: str | None = None, config: Any = None, **kwargs: Any) -> None:
        config = resolved(mode, config)
        self._check_quantizable(config.mode)
        with self._state_unlocked():
            quantize(self, mode=config.mode, config=config, **kwargs)

    return wrapper


def _dtype_name(x: Any) -> str:
    return x.dtype if isinstance(x, KerasTensor) else x.dtype.name


def _tensors_of_shapes(shapes: Any, dtype: str, class_name: str) -> Any:
    """KerasTensors for a shape or a structure of shapes."""
    if isinstance(shapes, list | tuple) and all(d is None or isinstance(d, int) for d in shapes):
        return KerasTensor(tuple(shapes), dtype=dtype)
    if isinstance(shapes, dict):
        return {key: _tensors_of_shapes(shape, dtype, class_name) for key, shape in shapes.items()}
    if isinstance(shapes, list | tuple):
        return type(shapes)(_tensors_of_shapes(shape, dtype, class_name) for shape in shapes)
    try:
        return KerasTensor(tuple(shapes), dtype=dtype)
    except TypeError:
        raise ValueError(
            f"Method `compute_output_shape()` of layer {class_name} is returning a type that cannot be interpreted "
            "as a "
            f"shape. It should return a shape tuple. Received: {shapes}"
        ) from None
