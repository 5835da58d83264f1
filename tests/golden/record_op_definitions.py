"""Writes TensorFlow's definitions of the ops named on standard input, as duoflow/formats/op_definitions.py reads them.

    python -c "import duoflow.keras, duoflow.compat.v1; from duoflow.trace.graph_def import op_names; print(*op_names())" |
        python tests/golden/record_op_definitions.py > duoflow/formats/op_definitions.txt

The second Python is one that has TensorFlow.
"""

import sys

from tensorflow.core.framework import op_def_pb2, types_pb2
from tensorflow.python.client import pywrap_tf_session


def argument(arg):
    kind = arg.type_attr or arg.type_list_attr or types_pb2.DataType.Name(arg.type)[3:].lower()
    return f"{arg.name}:{arg.number_attr + '*' if arg.number_attr else ''}{kind}{'...' if arg.type_list_attr else ''}"


def default(attr):
    value = attr.default_value
    kind = value.WhichOneof("value")
    if kind == "tensor":
        return "None"  # one op has one, a colour
    if kind == "list":
        return repr([item for _, items in value.list.ListFields() for item in items])
    if kind == "type":
        return types_pb2.DataType.Name(value.type)[3:].lower()
    if kind == "shape":
        return "None" if value.shape.unknown_rank else repr([d.size for d in value.shape.dim])
    return repr(value.s.decode()) if kind == "s" else repr(getattr(value, kind))


def line(op):
    attrs = [f"{a.name}:{a.type}" + (f"={default(a)}" if a.HasField("default_value") else "") for a in op.attr]
    inputs, outputs = (", ".join(map(argument, args)) for args in (op.input_arg, op.output_arg))
    return f"{op.name}({inputs}) -> ({outputs})" + "".join(f"; {a}" for a in attrs)


def main():
    data = pywrap_tf_session.TF_GetBuffer(pywrap_tf_session.TF_GetAllOpList())
    known = {op.name: op for op in op_def_pb2.OpList.FromString(data).op if not op.HasField("deprecation")}
    for name in sorted(set(sys.stdin.read().split()) & set(known)):
        print(line(known[name]))


if __name__ == "__main__":
    main()
