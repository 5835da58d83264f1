"""`ExportArchive`: variables and endpoints written as a SavedModel; and what `Model.export` does with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from duoflow import saved_model
from duoflow.core import nest
from duoflow.core.trackable import Trackable
from duoflow.core.variables import Variable
from duoflow.core.version import COMPATIBLE_WITH
from duoflow.trace.function import Function, function

from ..layers.layer import Layer
from .signature import tensor_spec

__all__ = ["ExportArchive", "export_saved_model"]

_DEFAULT = "serving_default"


class ExportArchive:
    """Writes functions and the variables they use as a SavedModel.

    >>> import tempfile
    >>> model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    >>> archive = tf.keras.export.ExportArchive()
    >>> archive.track(model)
    >>> serve = archive.add_endpoint("serve", model.call, [tf.TensorSpec((None, 3), tf.float32)])
    >>> path = tempfile.mkdtemp() + "/model"
    >>> archive.write_out(path, verbose=False)
    >>> tf.saved_model.load(path).serve(tf.zeros((4, 3))).shape
    TensorShape([4, 2])

    Keras: keras.export.ExportArchive.
    """

    def __init__(self, format: str = "saved_model", **kwargs: Any) -> None:
        if format != "saved_model":
            raise ValueError(f"Unsupported format: {format}")
        self._endpoint_names: list[str] = []
        self._tracked: list[Any] = []
        self.tensorflow_version = COMPATIBLE_WITH
        self._root: Any = Trackable()
        self._root.variables, self._root.trainable_variables, self._root.non_trainable_variables = [], [], []

    @property
    def variables(self) -> list[Any]:
        """The variables of what is tracked."""
        return self._root.variables  # type: ignore[no-any-return]

    @property
    def trainable_variables(self) -> list[Any]:
        """Those among them that are trained."""
        return self._root.trainable_variables  # type: ignore[no-any-return]

    @property
    def non_trainable_variables(self) -> list[Any]:
        """Those among them that are not."""
        return self._root.non_trainable_variables  # type: ignore[no-any-return]

    def track(self, resource: Any) -> None:
        """Keep the variables of a layer or model; `ValueError` if it is not built, or nothing that has variables."""
        if isinstance(resource, Layer):
            if not resource.built:
                raise ValueError("The layer provided has not yet been built. It must be built before export.")
            for name in ("variables", "trainable_variables", "non_trainable_variables"):
                getattr(self._root, name).extend(getattr(resource, name))
        elif not isinstance(resource, Trackable):
            raise ValueError(
                "Invalid resource type. Expected a Keras `Layer` or `Model` or a TensorFlow `Trackable` object. "
                f"Received object {resource} of type '{type(resource)}'. "
            )
        self._tracked.append(resource)

    def add_endpoint(
        self, name: str, fn: Callable[..., Any], input_signature: Any = None, **kwargs: Any
    ) -> Callable[..., Any]:
        """Make a function callable under a name; returns it as a tf.function.

        Args:
          name: of the endpoint.
          fn: the function. Variables that it uses must be tracked.
          input_signature: specs of its arguments (InputSpec, TensorSpec or KerasTensor); not needed for a `tf.function`
            that was called.

        Raises:
          ValueError: if the name is taken, or it is not known what `fn` takes.
        """
        if name in self._endpoint_names:
            raise ValueError(f"Endpoint name '{name}' is already taken.")
        if kwargs:
            raise ValueError(f"'jax2tf_kwargs' and 'is_static' are only supported with the jax backend. Got: {kwargs}")
        if input_signature is not None:
            specs = [nest.map_structure(tensor_spec, part) for part in input_signature]
            made = function(fn, input_signature=specs, autograph=False)
        elif isinstance(fn, Function):
            if not fn._traces:
                raise ValueError(
                    f"The provided tf.function '{fn}' has never been called. To specify the expected shape and dtype "
                    "of the function's arguments, you must either provide a function that has been called at least "
                    "once, or alternatively pass an `input_signature` argument in `add_endpoint()`."
                )
            made = fn
        else:
            raise ValueError(
                "If the `fn` argument provided is not a `tf.function`, you must provide an `input_signature` argument "
                "to specify the shape and dtype of the function arguments. Example:\n\nexport_archive.add_endpoint(\n"
                "    name='call',\n    fn=model.call,\n    input_signature=[keras.InputSpec(shape=(None, 224, 224, 3), "
                "dtype='float32')],\n)"
            )
        setattr(self._root, name, made)
        self._endpoint_names.append(name)
        return made  # type: ignore[no-any-return]

    def track_and_add_endpoint(
        self, name: str, resource: Any, input_signature: Any, **kwargs: Any
    ) -> Callable[..., Any]:
        """Track a layer or model, and make calls of it an endpoint."""
        self.track(resource)
        return self.add_endpoint(name, resource.__call__, input_signature, **kwargs)

    def add_variable_collection(self, name: str, variables: Any) -> None:
        """Keep variables under a name of what is loaded; `ValueError` for what is not a list of variables."""
        if not isinstance(variables, list | tuple | set):
            raise ValueError(
                f"Expected `variables` to be a list/tuple/set. Received instead object of type '{type(variables)}'."
            )
        if not all(isinstance(v, Variable) for v in variables):
            raise ValueError(
                "Expected all elements in `variables` to be `tf.Variable` instances. Found instead the following "
                f"types: {list({type(v) for v in variables})}"
            )
        setattr(self._root, name, list(variables))

    def write_out(self, filepath: Any, options: Any = None, verbose: bool = True) -> None:
        """Write the SavedModel; the first endpoint also serves as "serving_default".

        Args:
          filepath: the folder.
          options: see `tf.saved_model.SaveOptions`.
          verbose: print the endpoints.

        Raises `ValueError` if there are no endpoints.
        """
        if not self._endpoint_names:
            raise ValueError("No endpoints have been set yet. Call add_endpoint().")
        traces = {name: _trace_of(getattr(self._root, name)) for name in self._endpoint_names}
        known = {id(v) for v in self.variables}
        extra = {id(v): v for t in traces.values() for v in t.variables if id(v) not in known}
        self._root._all_variables = list(extra.values())
        self._root._misc_assets = [r for r in self._tracked if not isinstance(r, Layer)]
        signatures = traces | {_DEFAULT: traces.get(_DEFAULT, traces[self._endpoint_names[0]])}
        saved_model.save(self._root, filepath, signatures=signatures, options=options)
        if verbose:
            shown = "\n\n".join(_shown(name, trace) for name, trace in traces.items())
            print(f"Saved artifact at '{filepath}'. The following endpoints are available:\n\n{shown}")


def _trace_of(endpoint: Any) -> Any:
    return endpoint.get_concrete_function() if endpoint.input_signature is not None else endpoint._traces[0].concrete


def _shown(name: str, trace: Any) -> str:
    lines = trace.pretty_printed_signature().split("\n")
    return "\n".join([f"* Endpoint '{name}'", *lines[1:]])


def export_saved_model(
    model: Any, filepath: Any, verbose: bool | None = None, input_signature: Any = None, **kwargs: Any
) -> None:
    """Write a model as a SavedModel with the endpoint "serve"."""
    archive = ExportArchive()
    archive.track_and_add_endpoint("serve", model, input_signature, **kwargs)
    archive.write_out(filepath, verbose=True if verbose is None else verbose)
