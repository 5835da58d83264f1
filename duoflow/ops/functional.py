"""Functions over the first axis: map_fn, scan, foldl, foldr, vectorized_map.

They loop with a TensorArray per tensor, so gradients flow through them eagerly and in graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from duoflow.core import dtypes, nest
from duoflow.core.composite import expand, pack
from duoflow.core.context import context, entered
from duoflow.core.errors import InvalidArgumentError
from duoflow.core.graph import Graph
from duoflow.core.late import F
from duoflow.core.spec import TensorSpec
from duoflow.core.tensor import Tensor, convert

from .subgraphs import trace_into
from .tensor_array import TensorArray

__all__ = ["foldl", "foldr", "map_fn", "scan", "vectorized_map"]


def _tensors(elems: Any) -> tuple[list[Tensor], Any]:
    """The elements' tensors, and their number along the first axis (an int if it is known)."""
    flat = [convert(t) for t in expand(nest.flatten(elems))]
    if not flat:
        raise ValueError("elems must be a Tensor or (possibly nested) sequence of Tensors. Got no tensors.")
    for t in flat:
        if t.dims == ():
            raise ValueError("Elements in elems must be 1+ dimensional Tensors, not scalars")
    counts = {t.dims[0] for t in flat if t.dims is not None and t.dims[0] is not None}
    if len(counts) > 1:
        raise ValueError(f"The tensors in elems must agree along the first axis, received sizes {sorted(counts)}.")
    return flat, counts.pop() if counts else F.shape(flat[0])[0]


def _require_callable(fn: Any) -> None:
    if not callable(fn):
        raise TypeError(f"{getattr(fn, '__name__', fn)!r} is not callable: fn must be a function of the elements.")


def _readers(flat: Sequence[Tensor], count: Any) -> list[TensorArray]:
    return [
        TensorArray(
            t.dtype, count, element_shape=None if t.dims is None else t.dims[1:], clear_after_read=False
        ).unstack(t)
        for t in flat
    ]


def _signature(elems: Any, dtype: Any, fn_output_signature: Any) -> Any:
    """The structure of the results, with dtypes or specs."""
    if fn_output_signature is None:
        fn_output_signature = dtype
    if fn_output_signature is None:
        return nest.map_structure(lambda t: t.dtype if hasattr(t, "dtype") else convert(t).dtype, elems)
    return fn_output_signature


def _element(spec: Any) -> tuple[Any, Any]:
    return (spec.dtype, spec.shape.as_tuple()) if isinstance(spec, TensorSpec) else (dtypes.as_dtype(spec), None)


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
    fn_output_signature: Any = None,
) -> Any:
    """The results of `fn` for each element along the first axis, stacked.

    Args:
      fn: takes an element (a structure like `elems`), returns a tensor or a structure of tensors.
      elems: a tensor or a structure of tensors that agree along the first axis.
      fn_output_signature: the structure of dtypes or `tf.TensorSpec`s that `fn` returns, if it is not that of `elems`.
      dtype: an old name of fn_output_signature.
      back_prop: whether gradients pass.
      parallel_iterations, swap_memory: accepted; elements are handled one after the other.
      infer_shape: whether all results must have one shape; they must to be stacked.

    Raises:
      TypeError: if fn is not callable.
      ValueError: if the results have another structure than the signature.

    >>> tf.map_fn(lambda x: x * x, tf.constant([1, 2, 3])).numpy()
    array([1, 4, 9], dtype=int32)

    TensorFlow: tf.map_fn.
    """
    _require_callable(fn)
    flat, count = _tensors(elems)
    signature = _signature(elems, dtype, fn_output_signature)
    specs = [_element(spec) for spec in nest.flatten(signature)]
    with F.name_scope(name or "map"):
        readers = _readers(flat, count)
        results = [TensorArray(d, count, infer_shape=infer_shape, element_shape=s) for d, s in specs]

        def step(i: Any, arrays: Any) -> Any:
            value = fn(pack(elems, [r.read(i) for r in readers]))
            nest.assert_same_structure(signature, value)
            return i + 1, [a.write(i, v) for a, v in zip(arrays, nest.flatten(value), strict=True)]

        _, results = F.while_loop(lambda i, _: i < count, step, (F.constant(0), results), back_prop=back_prop)
        return nest.pack_sequence_as(signature, [_stacked(a, count) for a in results])


def _stacked(array: TensorArray, count: Any) -> Any:
    out = array.stack()
    if isinstance(count, int) and context.graph is not None and out.dims is not None:
        out.set_shape([count, *out.dims[1:]])
    return out


def vectorized_map(fn: Callable[..., Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """The results of `fn` for each element along the first axis, stacked. Elements of size 1 broadcast.

    Args:
      fn: takes an element (a structure like `elems`), returns tensors; their dtypes are found by tracing it.
      fallback_to_while_loop, warn: accepted; elements are handled in a loop.

    >>> tf.vectorized_map(lambda x: x * 2.0, tf.constant([1.0, 2.0])).numpy()
    array([2., 4.], dtype=float32)

    TensorFlow: tf.vectorized_map.
    """
    _require_callable(fn)
    elems = nest.map_structure(convert, elems)
    elems = _broadcast_first(elems)
    return map_fn(fn, elems, fn_output_signature=_dtypes_given(fn, elems))


def _dtypes_given(fn: Callable[..., Any], elems: Any) -> Any:
    """The dtypes of what `fn` returns for an element, found in a graph that is thrown away."""
    probe = Graph("probe", True, context.graph)
    element = nest.map_structure(lambda t: probe.placeholder(t.dtype, t.dims and t.dims[1:]), elems)
    with entered(created_variables=[]):
        result, _ = trace_into(probe, lambda: nest.map_structure(convert, fn(element)))
    return nest.map_structure(lambda t: t.dtype, result)


def _broadcast_first(elems: Any) -> Any:
    """Elements of which some have size 1 along the first axis, all with the size of the others."""
    flat = nest.flatten(elems)
    sizes = {t.dims[0] for t in flat if t.dims}
    if len(sizes) < 2 or None in sizes:
        return elems
    count = max(sizes)
    if sizes - {1, count}:
        raise InvalidArgumentError(f"The elements must agree along the first axis, received sizes {sorted(sizes)}.")
    return nest.map_structure(lambda t: F.repeat(t, count, axis=0) if t.dims[0] == 1 else t, elems)


def _fold(fn: Any, elems: Any, initializer: Any, backwards: bool, back_prop: bool, name: str) -> Any:
    _require_callable(fn)
    flat, count = _tensors(elems)
    with F.name_scope(name):
        readers = _readers(flat, count)
        element: Callable[[Any], Any] = lambda i: pack(elems, [r.read(i) for r in readers])
        skipped = 0 if initializer is not None else 1
        if initializer is None:
            initializer = element(count - 1 if backwards else 0)
        else:
            initializer = nest.map_structure(convert, initializer)
        where: Callable[[Any], Any] = lambda k: count - 1 - k if backwards else k

        def step(k: Any, held: Any) -> Any:
            return k + 1, nest.map_structure(convert, fn(held, element(where(k))))

        start = (F.constant(skipped), initializer)
        return F.while_loop(lambda k, _: k < count, step, start, back_prop=back_prop)[1]


def foldl(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """fn(... fn(fn(initializer, elems[0]), elems[1]) ..., elems[n - 1]).

    Args:
      fn: takes what is held and an element, returns what to hold.
      initializer: what is held first; the first element without it.
      back_prop: whether gradients pass.
      parallel_iterations, swap_memory: accepted.

    >>> int(tf.foldl(lambda held, x: 2 * held + x, tf.constant([1, 2, 3])))
    11

    TensorFlow: tf.foldl.
    """
    return _fold(fn, elems, initializer, False, back_prop, name or "foldl")


def foldr(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """`foldl` from the last element to the first. TensorFlow: tf.foldr."""
    return _fold(fn, elems, initializer, True, back_prop, name or "foldr")


def scan(
    fn: Callable[..., Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """What `foldl` holds after each element, stacked.

    Args:
      fn: takes what is held and an element, returns what to hold.
      initializer: what is held first; the first element (which is then the first result) without it.
      reverse: go from the last element to the first; results stand where their elements do.
      back_prop: whether gradients pass.
      parallel_iterations, swap_memory, infer_shape: accepted.

    >>> tf.scan(lambda held, x: held + x, tf.constant([1, 2, 3])).numpy()
    array([1, 3, 6], dtype=int32)

    TensorFlow: tf.scan.
    """
    _require_callable(fn)
    flat, count = _tensors(elems)
    with F.name_scope(name or "scan"):
        readers = _readers(flat, count)
        element: Callable[[Any], Any] = lambda i: pack(elems, [r.read(i) for r in readers])
        where: Callable[[Any], Any] = lambda k: count - 1 - k if reverse else k
        skipped = 0 if initializer is not None else 1
        start = element(where(0)) if initializer is None else nest.map_structure(convert, initializer)
        first = nest.flatten(start)
        results = [
            TensorArray(t.dtype, count, element_shape=t.dims if infer_shape else None, infer_shape=infer_shape)
            for t in first
        ]
        if skipped:
            results = [a.write(where(0), t) for a, t in zip(results, first, strict=True)]

        def step(k: Any, held: Any, arrays: Any) -> Any:
            new = fn(held, element(where(k)))
            nest.assert_same_structure(start, new)
            new = nest.pack_sequence_as(start, [convert(v) for v in nest.flatten(new)])
            return k + 1, new, [a.write(where(k), t) for a, t in zip(arrays, nest.flatten(new), strict=True)]

        loop_vars = (F.constant(skipped), start, results)
        _, _, results = F.while_loop(lambda k, *_: k < count, step, loop_vars, back_prop=back_prop)
        return nest.pack_sequence_as(start, [_stacked(a, count) for a in results])
