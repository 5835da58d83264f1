"""Cells run over sequences: `dynamic_rnn` and its like as loops, `static_rnn` and its like step by step.

Past the end of a sequence outputs are zeros and the state stays.

TensorFlow: tf.compat.v1.nn.dynamic_rnn and the functions beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes, nest
from duoflow.core.late import F
from duoflow.core.shapes import TensorShape
from duoflow.core.tensor import Tensor, convert

from .rnn_cell import RNNCell
from .variables import variable_scope

__all__ = [
    "bidirectional_dynamic_rnn", "dynamic_rnn", "raw_rnn", "static_bidirectional_rnn", "static_rnn",
    "static_state_saving_rnn",
]  # fmt: skip


def _require_cell(cell: Any, name: str = "cell") -> None:
    if not isinstance(cell, RNNCell) and not (callable(cell) and hasattr(cell, "state_size")):
        raise TypeError(f"The argument {name!r} ({cell}) is not an RNNCell: it needs output_size, state_size and call.")


def _lengths(sequence_length: Any) -> Any:
    if sequence_length is None:
        return None
    lengths = F.cast(convert(sequence_length), dtypes.int32)
    if lengths.dims is not None and len(lengths.dims) not in (0, 1):
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    return F.identity(lengths, name="sequence_length")


def _initial(cell: Any, initial_state: Any, batch: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return nest.map_structure(lambda s: convert(s), initial_state)
    if not dtype:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch, dtype)


def _masked(live: Any, new: Any, old: Any) -> Any:
    """`new` where a sequence still goes on, else `old`."""
    if new.dims == ():
        return new
    return F.where(F.reshape(live, [-1] + [1] * (new.ndim - 1)), new, old)


# -- loops -------------------------------------------------------------------------------------------------------------


def dynamic_rnn(
    cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None,
    parallel_iterations: int | None = None, swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Run a cell over sequences in a loop.

    Args:
      cell: an `RNNCell`.
      inputs: a tensor [batch, time, ...] ([time, batch, ...] if `time_major`), or a structure of such.
      sequence_length: how long each sequence is, int [batch]; all of the time if not given.
      initial_state: the state to start from; zeros of `dtype` if not given.
      parallel_iterations, swap_memory: accepted; steps run one after the other.

    Returns:
      (outputs [batch, time, output size], the state after each sequence's last step).

    Raises:
      TypeError: if `cell` is no cell.
      ValueError: if there is neither an initial state nor a dtype, or if inputs have no known depth.

    TensorFlow: tf.compat.v1.nn.dynamic_rnn.
    """
    _require_cell(cell)
    with variable_scope(scope or "rnn"):
        steps = nest.map_structure(lambda x: _time_first(x, time_major), inputs)
        flat = nest.flatten(steps)
        time, batch = _size(flat[0], 0), _size(flat[0], 1)
        lengths = _lengths(sequence_length)
        state = _initial(cell, initial_state, batch, dtype)
        outputs, final = _loop(cell, steps, flat, state, lengths, time, batch)
        if not time_major:
            outputs = nest.map_structure(lambda x: _time_first(x, False), outputs)
        return outputs, final


def _time_first(x: Any, already: bool) -> Any:
    """[batch, time, ...] as [time, batch, ...], and back."""
    x = convert(x)
    if x.dims is None or len(x.dims) < 2:
        raise ValueError(f"Inputs of a recurrent network need the dimensions [batch, time, ...], received {x.shape}.")
    return x if already else F.transpose(x, [1, 0, *range(2, len(x.dims))])


def _size(x: Any, axis: int) -> Any:
    known = x.dims[axis]
    return F.shape(x)[axis] if known is None else known


def _loop(cell: Any, steps: Any, flat: list[Any], state: Any, lengths: Any, time: Any, batch: Any) -> tuple[Any, Any]:
    sizes = nest.flatten(cell.output_size)
    dtype = nest.flatten(state)[0].dtype if nest.flatten(state) else flat[0].dtype
    arrays = [F.TensorArray(dtype, time, element_shape=_with_batch(flat[0].dims[1], size)) for size in sizes]
    readers = [F.TensorArray(x.dtype, time).unstack(x) for x in flat]

    def step(t: Any, written: Any, own: Any) -> Any:
        x = nest.pack_sequence_as(steps, [_shaped(r.read(t), f) for r, f in zip(readers, flat, strict=True)])
        output, new = cell(x, own)
        nest.assert_same_structure(cell.output_size, output, check_types=False)
        if lengths is not None:
            live = F.less(t, lengths)
            output = nest.map_structure(lambda o: _masked(live, o, F.zeros_like(o)), output)
            new = nest.map_structure(lambda n, o: _masked(live, n, o), new, own)
        for leaf, old in zip(nest.flatten(new), nest.flatten(own), strict=True):
            leaf.set_shape(old.shape)
        written = [a.write(t, o) for a, o in zip(written, nest.flatten(output), strict=True)]
        return t + 1, written, new

    _, arrays, final = F.while_loop(lambda t, *_: F.less(t, time), step, (F.constant(0), arrays, state), name="while")
    stacked = [a.stack() for a in arrays]
    for out, size in zip(stacked, sizes, strict=True):
        out.set_shape([flat[0].dims[0], *_with_batch(flat[0].dims[1], size)])
    return nest.pack_sequence_as(cell.output_size, stacked), final


def _with_batch(batch: Any, size: Any) -> list[Any]:
    return [batch, *(size.as_list() if isinstance(size, TensorShape) else [size])]


def _shaped(x: Any, whole: Any) -> Any:
    x.set_shape(whole.dims[1:])
    return x


def bidirectional_dynamic_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None, initial_state_fw: Any = None,
    initial_state_bw: Any = None, dtype: Any = None, parallel_iterations: int | None = None,
    swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """`dynamic_rnn` of one cell forwards and of another backwards: ((out, out), (state, state)).

    TensorFlow: tf.compat.v1.nn.bidirectional_dynamic_rnn.
    """
    _require_cell(cell_fw, "cell_fw")
    _require_cell(cell_bw, "cell_bw")
    time, batch = (0, 1) if time_major else (1, 0)

    def backwards(x: Any) -> Any:
        if sequence_length is None:
            return F.reverse(x, [time])
        return F.reverse_sequence(x, sequence_length, seq_axis=time, batch_axis=batch)

    rest: dict[str, Any] = {"dtype": dtype, "time_major": time_major}
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            out_fw, state_fw = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, scope=fw, **rest)
        with variable_scope("bw") as bw:
            reverse = nest.map_structure(backwards, inputs)
            out_bw, state_bw = dynamic_rnn(cell_bw, reverse, sequence_length, initial_state_bw, scope=bw, **rest)
    return (out_fw, nest.map_structure(backwards, out_bw)), (state_fw, state_bw)


def raw_rnn(
    cell: Any, loop_fn: Callable[..., Any], parallel_iterations: int | None = None, swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """A loop over steps of which a function decides inputs, state and end.

    Args:
      loop_fn: `(time, cell_output, cell_state, loop_state) -> (finished [batch], next_input, next_cell_state,
        emit_output, next_loop_state)`; at time 0 the last three arguments are None, and `emit_output` gives the shape
        and dtype of what is emitted (None for the cell's output).

    Returns:
      (a TensorArray of what was emitted, the final state, the final loop state).

    TensorFlow: tf.compat.v1.nn.raw_rnn.
    """
    _require_cell(cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn"):
        finished, x, state, emitted, extra = loop_fn(F.constant(0), None, None, None)
        has_extra = extra is not None
        form = emitted if emitted is not None else cell.output_size
        first = nest.flatten(state)[0]
        kinds = [e.dtype if isinstance(e, Tensor) else first.dtype for e in nest.flatten(form)]
        batch = _size(nest.flatten(x)[0], 0)
        shapes = [list(e.dims) if isinstance(e, Tensor) else _with_batch(None, e)[1:] for e in nest.flatten(form)]
        arrays = [F.TensorArray(kind, 0, dynamic_size=True) for kind in kinds]

        def step(t: Any, done: Any, x: Any, own: Any, arrays: Any, extra: Any) -> Any:
            output, new = cell(x, own)
            now_done, next_x, next_state, emit, next_extra = loop_fn(t + 1, output, new, extra if has_extra else None)
            emit = output if emit is None else emit
            live = F.logical_not(done)
            flat = [
                _masked(live, e, F.zeros(F.stack([batch, *s]), e.dtype))
                for e, s in zip(nest.flatten(emit), shapes, strict=True)
            ]
            next_state = nest.map_structure(lambda n, o: _masked(live, n, o), next_state, own)
            arrays = [a.write(t, e) for a, e in zip(arrays, flat, strict=True)]
            kept = next_extra if next_extra is not None else extra
            return t + 1, F.logical_or(done, now_done), next_x, next_state, arrays, kept

        start = (F.constant(0), convert(finished), x, state, arrays, extra if has_extra else F.constant(0))
        done = F.while_loop(lambda t, done, *_: F.logical_not(F.reduce_all(done)), step, start, name="while")
        _, _, _, final, arrays, extra = done
        return nest.pack_sequence_as(form, arrays), final, extra if has_extra else None


# -- step by step ------------------------------------------------------------------------------------------------------


def static_rnn(
    cell: Any, inputs: Sequence[Any], initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """Run a cell over a list of inputs, one [batch, size] per step: (list of outputs, final state).

    TensorFlow: tf.compat.v1.nn.static_rnn.
    """
    _require_cell(cell)
    if not isinstance(inputs, (list, tuple)):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    with variable_scope(scope or "rnn"):
        first = convert(nest.flatten(inputs)[0])
        lengths = _lengths(sequence_length)
        state = _initial(cell, initial_state, _size(first, 0), dtype)
        outputs = []
        for t, x in enumerate(inputs):
            output, new = cell(x, state)
            if lengths is not None:
                live = F.less(t, lengths)
                output = nest.map_structure(lambda o, live=live: _masked(live, o, F.zeros_like(o)), output)
                new = nest.map_structure(lambda n, o, live=live: _masked(live, n, o), new, state)
            outputs.append(output)
            state = new
        return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Sequence[Any], initial_state_fw: Any = None, initial_state_bw: Any = None,
    dtype: Any = None, sequence_length: Any = None, scope: Any = None,
) -> tuple[list[Any], Any, Any]:  # fmt: skip
    """`static_rnn` of one cell forwards and of another backwards: (outputs side by side, state, state).

    TensorFlow: tf.compat.v1.nn.static_bidirectional_rnn.
    """
    _require_cell(cell_fw, "cell_fw")
    _require_cell(cell_bw, "cell_bw")

    def backwards(items: Sequence[Any]) -> list[Any]:
        if sequence_length is None:
            return list(items)[::-1]
        stacked = F.stack(list(items))
        turned = F.unstack(F.reverse_sequence(stacked, sequence_length, seq_axis=0, batch_axis=1))
        return list(turned)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as fw:
            out_fw, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw)
        with variable_scope("bw") as bw:
            out_bw, state_bw = static_rnn(cell_bw, backwards(inputs), initial_state_bw, dtype, sequence_length, bw)
    pairs = zip(out_fw, backwards(out_bw), strict=True)
    return [nest.map_structure(lambda f, b: F.concat([f, b], 1), *pair) for pair in pairs], state_fw, state_bw


def static_state_saving_rnn(
    cell: Any, inputs: Sequence[Any], state_saver: Any, state_name: Any, sequence_length: Any = None, scope: Any = None
) -> tuple[list[Any], Any]:
    """`static_rnn` from a state that `state_saver.state(name)` gives, saved again with `state_saver.save_state`.

    TensorFlow: tf.compat.v1.nn.static_state_saving_rnn.
    """
    start = nest.map_structure(state_saver.state, state_name)
    outputs, state = static_rnn(cell, inputs, start, sequence_length=sequence_length, scope=scope)
    saves = [state_saver.save_state(n, s) for n, s in zip(nest.flatten(state_name), nest.flatten(state), strict=True)]
    with F.control_dependencies(saves):
        outputs[-1] = nest.map_structure(F.identity, outputs[-1])
    return outputs, state
