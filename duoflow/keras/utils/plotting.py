"""Drawings of models: a graph in the DOT language, and a picture of it where graphviz is installed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from ..function import node_key

__all__ = ["DotGraph", "model_to_dot", "plot_model"]


class DotGraph:
    """A drawing in the DOT language: `to_string()`, `write(path)`, and, with graphviz, `create(format)`."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def to_string(self) -> str:
        """The text."""
        return "digraph G {\n" + "\n".join(f"  {line}" for line in self.lines) + "\n}\n"

    __str__ = to_string

    def write(self, path: Any, format: str = "raw") -> None:
        """Write the text, or (any other format) the picture."""
        if format == "raw":
            Path(path).write_text(self.to_string(), encoding="utf-8")
        else:
            Path(path).write_bytes(self.create(format))

    def create(self, format: str = "png") -> bytes:
        """The picture; `ImportError` without the graphviz package, or the program it calls."""
        try:
            import graphviz
        except ImportError:
            raise ImportError(
                "Drawing a model needs the `graphviz` package: `pip install duoflow[viz]`, and the graphviz program "
                "(https://graphviz.org/download). `model_to_dot(model).to_string()` works without."
            ) from None
        try:
            return graphviz.Source(self.to_string()).pipe(format=format)  # type: ignore[no-any-return]
        except graphviz.ExecutableNotFound as error:
            raise ImportError(
                f"Drawing a model needs the graphviz program, see https://graphviz.org/download: {error}"
            ) from None

    def _repr_html_(self) -> str:
        """The picture in notebooks, or the text."""
        try:
            return self.create("svg").decode()
        except ImportError:
            return f"<pre>{self.to_string()}</pre>"


def model_to_dot(
    model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True,
    rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200, subgraph: bool = False,
    show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho", **kwargs: Any,
) -> DotGraph:  # fmt: skip
    """A drawing of a built model's layers and how they are connected.

    Args:
      show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what a layer's box tells.
      rankdir: "TB" from top to bottom, "LR" from left to right. expand_nested: draw the layers of inner models too.
      dpi, splines: as in DOT. subgraph: leave out the settings of the whole drawing.

    >>> model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2, name="last")])
    >>> "last (Dense)" in tf.keras.utils.model_to_dot(model).to_string()
    True

    Keras: keras.utils.model_to_dot.
    """
    kwargs.pop("layer_range", None)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
    if not model.built:
        raise ValueError(
            "This model has not yet been built. Build the model first by calling `build()` or by calling the model on "
            "a batch of data."
        )
    drawing = _Drawing(
        {"shapes": show_shapes, "dtypes": show_dtype, "names": show_layer_names, "activations": show_layer_activations,
         "trainable": show_trainable}, expand_nested,
    )  # fmt: skip
    if not subgraph:
        drawing.lines += [f'rankdir={rankdir}; dpi={dpi}; splines={splines}; node [shape=box fontname="Helvetica"];']
    drawing.add_model(model, "")
    return DotGraph(drawing.lines)


def plot_model(
    model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_dtype: bool = False,
    show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200,
    show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho", **kwargs: Any,
) -> DotGraph:  # fmt: skip
    """Draw a model to a file, whose ending says the format; ".dot" needs no graphviz.

    Raises `ImportError` for pictures without graphviz. The arguments are those of `model_to_dot`.

    Keras: keras.utils.plot_model.
    """
    dot = model_to_dot(
        model, show_shapes, show_dtype, show_layer_names, rankdir, expand_nested, dpi, False, show_layer_activations,
        show_trainable, splines, **kwargs,
    )  # fmt: skip
    ending = Path(to_file).suffix.removeprefix(".") or "png"
    dot.write(to_file, "raw" if ending == "dot" else ending)
    return dot


def _graph(model: Any) -> Any:
    """The functional graph of a model, None for a subclassed one."""
    return model if hasattr(model, "_nodes_in_order") else getattr(model, "_functional", None)


def _layers(model: Any) -> list[Any]:
    graph = _graph(model)
    return model.layers if graph is None else graph._operations  # type: ignore[no-any-return]


class _Drawing:
    """The lines of a drawing as it grows; boxes have the ids of layers behind those of the models around."""

    def __init__(self, shown: dict[str, bool], expand: bool) -> None:
        self.shown, self.expand = shown, expand
        self.lines: list[str] = []

    def add_model(self, model: Any, prefix: str) -> None:
        """Boxes for the layers of a model, and arrows between them."""
        graph, layers = _graph(model), _layers(model)
        for layer in layers:
            self._add_layer(layer, prefix)
        if graph is None:
            for before, after in pairwise(layers):
                self._connect(before, after, prefix)
            return
        for layer in layers:
            for node in layer._inbound_nodes:
                if node_key(layer, node.index) in graph._nodes:
                    for parent in node.parent_nodes:
                        self._connect(parent.operation, layer, prefix)

    def _is_open(self, layer: Any) -> bool:
        return self.expand and hasattr(layer, "get_layer") and bool(_layers(layer))

    def _add_layer(self, layer: Any, prefix: str) -> None:
        if not self._is_open(layer):
            self.lines.append(f'"{prefix}{id(layer)}" [label="{self._label(layer)}"];')
            return
        self.lines.append(f'subgraph "cluster_{prefix}{layer.name}" {{ label="{layer.name}";')
        self.add_model(layer, f"{prefix}{layer.name}/")
        self.lines.append("}")

    def _connect(self, before: Any, after: Any, prefix: str) -> None:
        arrow = f"{self._end(before, prefix, -1)} -> {self._end(after, prefix, 0)};"
        if arrow not in self.lines:
            self.lines.append(arrow)

    def _end(self, layer: Any, prefix: str, place: int) -> str:
        """The box that stands for a layer where arrows end: of an open model its first or last one."""
        while self._is_open(layer):
            prefix, layer = f"{prefix}{layer.name}/", _layers(layer)[place]
        return f'"{prefix}{id(layer)}"'

    def _label(self, layer: Any) -> str:
        kind = type(layer).__name__
        lines = [f"{layer.name} ({kind})" if self.shown["names"] else kind]
        if self.shown["activations"] and getattr(layer, "activation", None) is not None:
            lines.append(f"Activation: {getattr(layer.activation, '__name__', type(layer.activation).__name__)}")
        node = layer._inbound_nodes[0] if getattr(layer, "_inbound_nodes", None) else None
        if node is not None:
            for title, tensors in (("Input", node.input_tensors), ("Output", node.outputs)):
                if self.shown["shapes"] and tensors:
                    lines.append(f"{title} shape: {', '.join(str(x.shape) for x in tensors)}")
            if self.shown["dtypes"]:
                lines.append(f"Output dtype: {', '.join(x.dtype for x in node.outputs)}")
        if self.shown["trainable"] and getattr(layer, "weights", None):
            lines.append(f"Trainable: {layer.trainable}")
        return "\\n".join(lines).replace('"', "'")
