"""The table that `model.summary()` prints, and that notebooks show for a model."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from duoflow.core.dtypes import as_dtype
from duoflow.core.notebook import table_html

from ..function import node_key
from ..layers.layer_state import count_params

__all__ = ["print_summary", "readable_size", "summary_html"]

_HEADERS = (("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right"), ("Connected to", "left"))


def print_summary(
    model: Any, line_length: int | None = None, positions: Any = None, print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None,
) -> None:  # fmt: skip
    """Print a model's layers and sizes; the arguments are those of `Model.summary`."""
    table = _filled(model, line_length, positions, expand_nested, show_trainable, layer_range)
    console = (
        Console(highlight=False, force_terminal=False, color_system=None) if print_fn else Console(highlight=False)
    )
    with console.capture() if print_fn else _Uncaptured() as captured:
        console.print(f'[bold]Model: "{escape(model.name)}"[/]')
        console.print(table)
        for text, weights in _totals(model):
            console.print(
                f"[bold] {text}: [/]{_number(f'{count_params(weights):,}')} ({readable_size(_bytes(weights))})"
            )
    if print_fn:
        print_fn(captured.get())


def summary_html(model: Any) -> str:
    """The summary as HTML: a table of the layers, and the totals in a line."""
    columns = _filled(model, line_length=120).columns
    cells = [[Text.from_markup(str(cell)).plain for cell in column.cells] for column in columns]
    rows = [list(row) for row in zip(*cells, strict=True)]
    totals = [f"{name}: {count_params(held):,} ({readable_size(_bytes(held))})" for name, held in _totals(model)]
    table = table_html(tuple(str(column.header) for column in columns), rows)
    title = f'Model: "{model.name}"'
    return f"<div><b>{html.escape(title)}</b>{table}{html.escape('; '.join(totals))}</div>"


def _filled(
    model: Any, line_length: int | None = None, positions: Any = None, expand_nested: bool = False,
    show_trainable: bool = False, layer_range: Any = None,
) -> Table:  # fmt: skip
    """The table with a row for each layer."""
    graph = hasattr(model, "_nodes_in_order")
    layers = model._operations if graph else model.layers
    connections = graph and not _is_chain(model)
    summary = _Summary(model if connections else None, expand_nested, show_trainable)
    summary.lay_out(line_length, positions)
    for layer in _in_range(layers, layer_range):
        summary.add(layer)
    return summary.table


class _Uncaptured:
    """Stands for a capture when the console prints at once."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing was captured."""


class _Summary:
    """The table under construction; `model` is given where the connections are shown."""

    def __init__(self, model: Any, expand_nested: bool, show_trainable: bool) -> None:
        self.model, self.expand_nested, self.show_trainable = model, expand_nested, show_trainable
        self.table: Table

    def lay_out(self, line_length: int | None, positions: Any) -> None:
        """Choose the columns' widths; positions are fractions of the line, or characters."""
        headers = list(_HEADERS if self.model is not None else _HEADERS[:3])
        length = 108 if self.model is not None else 88
        positions = list(positions or ([0.3, 0.56, 0.74, 1.0] if self.model is not None else [0.45, 0.80, 1.0]))
        if self.show_trainable:
            length += 12
            positions = [p * 0.90 for p in positions] + [1.0]
            headers.append(("Trainable", "center"))
        line_length = line_length or min(length, shutil.get_terminal_size().columns - 4)
        if positions[-1] > 1:
            positions = [p / positions[-1] for p in positions]
        columns, start = [], 0
        for (header, justify), position in zip(headers, positions, strict=False):  # further positions have no column
            width = int(position * line_length) - start
            if width < 4:
                raise ValueError("Insufficient console width to print summary.")
            columns.append(Column(header, justify=justify, width=width))  # type: ignore[arg-type]
            start += width
        self.table = Table(*columns, width=line_length, show_lines=True)

    def add(self, layer: Any, level: int = 0) -> None:
        """A row for a layer, and below it those of its layers where they are asked for."""
        prefix = "   " * level + "└ " if level else ""
        fields = [
            f"{escape(prefix + layer.name)} ([color(33)]{escape(type(layer).__name__)}[/])",
            _output_shape(layer),
            _parameters(layer),
        ]
        if self.model is not None:
            fields.append(self._connections(layer))
        if self.show_trainable:
            fields.append(_trainable(layer))
        self.table.add_row(*fields)
        if self.expand_nested:
            for child in getattr(layer, "layers", ()):
                self.add(child, level + 1)

    def _connections(self, layer: Any) -> str:
        nodes = [n for n in layer._inbound_nodes if node_key(layer, n.index) in self.model._nodes]
        histories = [x._keras_history for node in nodes for x in node.input_tensors]
        names = (f"{h.operation.name}\\[{_number(h.node_index)}]\\[{_number(h.tensor_index)}]" for h in histories)
        return ", ".join(names) or "-"


def _number(x: Any) -> str:
    return f"[color({45 if x is None else 34})]{x}[/]"


def _parameters(layer: Any) -> str:
    if not hasattr(layer, "built"):
        return _number(0)
    return _number(f"{layer.count_params():,}") if layer.built else f"{_number(0)} (unbuilt)"


def _trainable(layer: Any) -> str:
    if not getattr(layer, "weights", None):
        return "[bold]-[/]"
    return "[bold][color(34)]Y[/][/]" if layer.trainable else "[bold][color(9)]N[/][/]"


def _output_shape(layer: Any) -> str:
    """The shapes that the layer's last symbolic call gave, or those that follow from its build."""
    if layer._inbound_nodes:
        shapes = [x.shape for x in layer._inbound_nodes[-1].outputs]
    else:
        build_shapes = getattr(layer, "_build_shapes_dict", None)
        if not build_shapes:
            return "?"
        try:
            outputs = (
                layer.output_shape if hasattr(layer, "output_shape") else layer.compute_output_shape(**build_shapes)
            )
        except (NotImplementedError, TypeError):
            return "?"
        shapes = [outputs] if all(d is None or isinstance(d, int) for d in outputs) else list(_leaf_shapes(outputs))
    texts = [f"({', '.join(map(_number, shape))})" for shape in shapes]
    return texts[0] if len(texts) == 1 else escape("[") + ", ".join(texts) + "]"


def _leaf_shapes(structure: Any) -> Iterable[tuple[Any, ...]]:
    """The shapes in a structure of shapes."""
    if isinstance(structure, dict):
        structure = list(structure.values())
    if all(d is None or isinstance(d, int) for d in structure):
        yield tuple(structure)
    else:
        for item in structure:
            yield from _leaf_shapes(item)


def _is_chain(model: Any) -> bool:
    """Whether every call of a Functional model has one input and no two are alike in depth or layer."""
    nodes = model._nodes_in_order
    layers = [node.operation for node in nodes]
    depth_is_unique = len(nodes) == len({id(layer) for layer in layers})
    single = all(len(node.input_tensors) <= 1 for node in nodes)
    users = [id(x) for node in nodes for x in node.input_tensors]
    starts = sum(node.is_input for node in nodes)
    return depth_is_unique and single and len(users) == len(set(users)) and starts == 1


def _in_range(layers: list[Any], layer_range: Any) -> list[Any]:
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"layer_range must be a list or tuple of two strings. Received: layer_range = {layer_range}")
    first, last = ([i for i, layer in enumerate(layers) if re.match(name, layer.name)] for name in layer_range)
    if not first or not last:
        raise ValueError(f"Passed layer_names do not match the layer names in the model. Received: {layer_range}")
    if min(first) > max(last):
        return layers[min(last) : max(first) + 1]
    return layers[min(first) : max(last) + 1]


def _totals(model: Any) -> list[tuple[str, list[Any]]]:
    trainable, fixed = model.trainable_weights, model.non_trainable_weights
    optimizer = getattr(model, "optimizer", None)
    steps = optimizer.variables if getattr(model, "compiled", False) and getattr(optimizer, "built", False) else None
    rows = [("Total params", [*trainable, *fixed, *(steps or ())]), ("Trainable params", trainable)]
    rows.append(("Non-trainable params", fixed))
    return rows if steps is None else [*rows, ("Optimizer params", steps)]


def _bytes(weights: Iterable[Any]) -> int:
    unique = {id(w): w for w in weights}.values()
    return sum(count_params([w]) * as_dtype(w.dtype).size for w in unique)


def readable_size(size: float) -> str:
    """A number of bytes as "397.54 KB"."""
    if not size:
        return "0.00 B"
    units = ("B", "KB", "MB", "GB", "TB", "PB")
    power = 0
    while size >= 1024 and power < len(units) - 1:
        size /= 1024
        power += 1
    return f"{size:.2f} {units[power]}"
