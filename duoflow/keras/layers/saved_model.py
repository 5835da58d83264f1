"""`TFSMLayer`: a SavedModel as a layer."""

from __future__ import annotations

import os
from typing import Any

from duoflow import saved_model

from ..state import session
from ..variables import Variable
from .layer import Layer

__all__ = ["TFSMLayer"]


class TFSMLayer(Layer):
    """A layer that calls an endpoint of a SavedModel, which `Model.export` or TensorFlow has written.

    Args:
      filepath: the folder.
      call_endpoint: the function, or the signature, that is called.
      call_training_endpoint: the one that is called while training, if it is another.

    Raises `ValueError` if the SavedModel has no such endpoint.

    Keras: keras.layers.TFSMLayer.
    """

    def __init__(
        self, filepath: Any, call_endpoint: str = "serve", call_training_endpoint: str | None = None,
        trainable: bool = True, name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(trainable=trainable, name=name, dtype=dtype)
        self.filepath = os.fspath(filepath)
        self.call_endpoint, self.call_training_endpoint = call_endpoint, call_training_endpoint
        loaded = saved_model.load(filepath)
        self._endpoint = _endpoint(loaded, call_endpoint, "Select another endpoint via the `call_endpoint` argument. ")
        functions = [self._endpoint]
        self._training_endpoint = None
        if call_training_endpoint:
            self._training_endpoint = _endpoint(loaded, call_training_endpoint)
            functions.append(self._training_endpoint)
        for variable in _variables_of(functions):
            self._track_variable(
                Variable(
                    variable, trainable=variable.trainable, dtype=variable.dtype, shape=variable.shape,
                    name=variable.name.removesuffix(":0").replace("/", "_"),
                )
            )  # fmt: skip
        self.built = True

    def call(self, inputs: Any, training: bool = False, **kwargs: Any) -> Any:
        """What the endpoint makes of the inputs."""
        if training and self._training_endpoint is not None:
            return self._training_endpoint(inputs, **kwargs)
        return self._endpoint(inputs, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments, the folder's path among them."""
        return {
            **super().get_config(),
            "filepath": self.filepath,
            "call_endpoint": self.call_endpoint,
            "call_training_endpoint": self.call_training_endpoint,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None) -> Any:
        """A layer from its config; `ValueError` in safe mode, since it loads what is outside of the file."""
        if (session.safe_mode is not False) if safe_mode is None else safe_mode:
            raise ValueError(
                "Requested the deserialization of a `TFSMLayer`, which loads an external SavedModel. This carries a "
                "potential risk of arbitrary code execution and thus it is disallowed by default. If you trust the "
                "source of the artifact, you can override this error by passing `safe_mode=False` to the loading "
                "function, or calling `keras.config.enable_unsafe_deserialization()."
            )
        return cls(**config)


def _endpoint(loaded: Any, name: str, hint: str = "") -> Any:
    if hasattr(loaded, name):
        return getattr(loaded, name)
    if name in loaded.signatures:
        return loaded.signatures[name]
    raise ValueError(
        f"The endpoint '{name}' is neither an attribute of the reloaded SavedModel, nor an entry in the `signatures` "
        f"field of the reloaded SavedModel. {hint}Available endpoints for this SavedModel: "
        f"{list(loaded.signatures.keys())}"
    )


def _variables_of(functions: list[Any]) -> list[Any]:
    """The variables that functions read, the trained ones first."""
    found = list({id(v): v for f in functions for v in f.variables}.values())
    return [v for v in found if v.trainable] + [v for v in found if not v.trainable]
