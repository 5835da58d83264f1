"""Graphs of TensorFlow 1's reference variables, rewritten with resource variables, which are the only ones here.

`Variable` and `VariableV2` give references, which most operations read and some write. Each becomes a handle beside a
read that has its name, so that fetching "w:0" still gives the value:

    w = VariableV2           w/handle = VarHandleOp; w = ReadVariableOp(w/handle)
    w/read = Identity(w)     w/read = ReadVariableOp(w/handle)
    up = AssignAdd(w, x)     up/write = AssignAddVariableOp(w/handle, x); up = ReadVariableOp(w/handle) after up/write
    y = MatMul(x, w)         y = MatMul(x, y/read_1); y/read_1 = ReadVariableOp(w/handle), after what y waits for
"""

from __future__ import annotations

from typing import Any

from duoflow.formats.messages import GraphDef, NodeDef

from .training_ops import SLOTS

__all__ = ["reference_names", "without_references"]

_VARIABLES = ("Variable", "VariableV2")
#: What writes references: the operation on resources, and how many references it takes first.
_WRITERS = {
    "Assign": ("AssignVariableOp", 1),
    "AssignAdd": ("AssignAddVariableOp", 1),
    "AssignSub": ("AssignSubVariableOp", 1),
    **{f"Scatter{how}": (f"ResourceScatter{how}", 1) for how in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max")},
    **{f"ScatterNd{how}": (f"ResourceScatterNd{how}", 1) for how in ("Update", "Add", "Sub", "Min", "Max")},
    **{name: (f"Resource{name}", count) for name, count in SLOTS.items()},
}


def reference_names(definition: Any) -> set[str]:
    """The names of a graph's reference variables."""
    return {node.name for node in definition.node if node.op in _VARIABLES}


def without_references(definition: Any) -> Any:
    """The graph with resource variables; itself if there are no others."""
    if not reference_names(definition):
        return definition
    return _Rewriting(definition).run()


def _source(reference: str) -> str:
    """The node that an input comes from, if it is the node's first output."""
    name, _, index = reference.partition(":")
    return name if index in ("", "0") else ""


class _Rewriting:
    def __init__(self, definition: Any) -> None:
        self._definition = definition
        self._nodes = {node.name: node for node in definition.node}
        self._late = self._after_writes()
        self._out: list[Any] = []

    def _after_writes(self) -> set[str]:
        """The nodes that wait for something that writes a variable, and so may see what it wrote."""
        users: dict[str, list[str]] = {}
        for node in self._definition.node:
            for reference in node.input:
                users.setdefault(reference.removeprefix("^").partition(":")[0], []).append(node.name)
        todo = [node.name for node in self._definition.node if node.op in _WRITERS]
        found: set[str] = set()
        while todo:
            fresh = [user for user in users.get(todo.pop(), ()) if user not in found]
            found.update(fresh)
            todo += fresh
        return found

    def run(self) -> Any:
        """The new graph."""
        for node in self._definition.node:
            if node.op in _VARIABLES:
                self._variable(node)
            elif node.op in _WRITERS:
                self._writer(node)
            else:
                self._reader(node)
        return GraphDef(node=self._out, library=self._definition.library, versions=self._definition.versions)

    def _owner(self, reference: str) -> str | None:
        """The variable that an input is a reference of: itself, or what writes it and passes it on."""
        node = self._nodes.get(_source(reference))
        while node is not None and node.op in _WRITERS:
            node = self._nodes.get(_source(node.input[0]))
        return node.name if node is not None and node.op in _VARIABLES else None

    def _variable(self, node: Any) -> None:
        handle = self._add(f"{node.name}/handle", "VarHandleOp", [], node)
        for key in ("dtype", "shape"):
            handle.attr[key].CopyFrom(node.attr[key])
        handle.attr["shared_name"].s = node.name.encode()
        self._read(node.name, node.name, [], node)

    def _writer(self, node: Any) -> None:
        op, count = _WRITERS[node.op]
        data = [i for i in node.input if not i.startswith("^")]
        owners = [self._owner(reference) for reference in data[:count]]
        if None in owners:
            raise ValueError(f"Node {node.name!r} ({node.op}) writes what is not a variable.")
        before = [i for i in node.input if i.startswith("^")]
        before += [f"^{_source(r)}" for r, owner in zip(data, owners, strict=False) if _source(r) != owner]
        values = self._values(node, data[count:], before)
        write = self._add(f"{node.name}/write", op, [*[f"{o}/handle" for o in owners], *values, *before], node)
        for key in node.attr:
            if key not in ("T", "_class", "use_locking", "validate_shape"):
                write.attr[key].CopyFrom(node.attr[key])
        write.attr["dtype"].CopyFrom(self._nodes[owners[0]].attr["dtype"])
        self._read(node.name, owners[0], [f"^{write.name}"], node)

    def _reader(self, node: Any) -> None:
        data = [i for i in node.input if not i.startswith("^")]
        before = [i for i in node.input if i.startswith("^")]
        direct = [name for i in data if (name := self._read_by(i, False)) is not None]
        if direct and node.op in ("Identity", "RefIdentity"):
            self._read(node.name, direct[0], before, node)
        elif direct and node.op == "IsVariableInitialized":
            self._add(node.name, "VarIsInitializedOp", [f"{direct[0]}/handle", *before], node)
        elif any(self._read_by(i, node.name in self._late) is not None for i in data):
            copy = NodeDef.FromString(node.SerializeToString())
            copy.input[:] = [*self._values(node, data, before), *before]
            self._out.append(copy)
        else:
            self._out.append(node)

    def _read_by(self, reference: str, late: bool) -> str | None:
        """The variable that an input reads. `late`: also through an Identity, which is no copy in TensorFlow."""
        node = self._nodes.get(_source(reference))
        if late and node is not None and node.op == "Identity":
            node = self._nodes.get(_source(node.input[0]))
        return node.name if node is not None and node.op in _VARIABLES else None

    def _values(self, node: Any, data: list[str], before: list[str]) -> list[str]:
        """Inputs as values: variables are read when all others are there, as a node that runs then would see them."""
        late = node.name in self._late
        variables = [self._read_by(reference, late) for reference in data]
        given = zip(data, variables, strict=True)
        waiting = [f"^{r.partition(':')[0]}" for r, variable in given if late and variable is None]
        out = list(data)
        for place, variable in enumerate(variables):
            if variable is not None:
                out[place] = f"{node.name}/read_{place}"
                self._read(out[place], variable, [*before, *waiting], node)
        return out

    def _read(self, name: str, variable: str, before: list[str], node: Any) -> None:
        read = self._add(name, "ReadVariableOp", [f"{variable}/handle", *before], node)
        read.attr["dtype"].CopyFrom(self._nodes[variable].attr["dtype"])

    def _add(self, name: str, op: str, inputs: list[str], like: Any) -> Any:
        node = NodeDef(name=name, op=op, device=like.device)
        node.input.extend(inputs)
        self._out.append(node)
        return node
