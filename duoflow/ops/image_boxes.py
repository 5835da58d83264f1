"""Boxes on images: choosing the best of overlapping ones, drawing them."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow.core import dtypes
from duoflow.core.emit import emit, emit_one
from duoflow.core.late import F
from duoflow.core.record import Kind, Op, register
from duoflow.core.spec import Spec
from duoflow.core.tensor import convert

from .static import int_tensor

__all__ = [
    "combined_non_max_suppression", "draw_bounding_boxes", "non_max_suppression", "non_max_suppression_overlaps",
    "non_max_suppression_padded", "non_max_suppression_with_scores",
]  # fmt: skip

# -- choosing ----------------------------------------------------------------------------------------------------------


def _overlap(boxes: Any) -> Callable[[int, int], Any]:
    """Intersection over union of two of the boxes (rows y1, x1, y2, x2; corners in either order)."""
    low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
    areas = np.prod(high - low, -1)

    def of(i: int, j: int) -> Any:
        if areas[i] <= 0 or areas[j] <= 0:
            return np.float32(0)
        sides = np.maximum(np.minimum(high[i], high[j]) - np.maximum(low[i], low[j]), 0)
        common = sides[0] * sides[1]
        return common / (areas[i] + areas[j] - common)

    return of


def _chosen(
    scores: Any, overlap: Callable[[int, int], Any], most: int, limit: Any, least: Any, sigma: Any = 0.0
) -> tuple[list[int], list[Any]]:
    """Indices and scores of the best boxes, none overlapping a better one by more than `limit`.

    With `sigma`, overlap lowers a box's score instead (Bodla et al., 2017).
    """
    queue = [(-s, i, 0) for i, s in enumerate(scores.tolist()) if s > least]
    heapq.heapify(queue)
    scale = np.float32(-0.5 / sigma) if sigma > 0 else np.float32(0)
    indices: list[int] = []
    kept: list[Any] = []
    while queue and len(indices) < most:
        negative, i, seen = heapq.heappop(queue)
        score, dropped = np.float32(-negative), False
        for j in reversed(indices[seen:]):
            common = overlap(i, j)
            if common > limit:
                dropped = sigma <= 0
                score = score * np.float32(0)
            else:
                score = score * np.exp(scale * common * common)
            if dropped or score <= least:
                break
        if not dropped:
            if score == np.float32(-negative):
                indices.append(i)
                kept.append(score)
            elif score > least:
                heapq.heappush(queue, (-float(score), i, len(indices)))
    return indices, kept


def _check(boxes: Spec, scores: Spec, width: int | None = 4) -> None:
    if boxes.shape is not None and (len(boxes.shape) != 2 or (width and boxes.shape[1] not in (width, None))):
        raise ValueError(f"boxes must be [boxes, {width or 'boxes'}], received shape {list(boxes.shape)}")
    if scores.shape is not None and len(scores.shape) != 1:
        raise ValueError(f"scores must be [boxes], received shape {list(scores.shape)}")
    if boxes.shape and scores.shape and None not in (boxes.shape[0], scores.shape[0]):
        if boxes.shape[0] != scores.shape[0]:
            raise ValueError(f"scores has incompatible shape: {scores.shape[0]} scores for {boxes.shape[0]} boxes")


def _check_limit(limit: Any) -> None:
    if not 0 <= limit <= 1:
        raise ValueError(f"iou_threshold must be in [0, 1], received {limit}")


def _infer_choice(boxes: Spec, scores: Spec, most: Spec, *rest: Spec, pad: bool) -> tuple[Spec, Spec, Spec]:
    _check(boxes, scores)
    count = int(most.array) if pad and most.array is not None else None
    return Spec((count,), dtypes.int32), Spec((count,), scores.dtype), Spec((), dtypes.int32)


def _choose(
    boxes: Any, scores: Any, most: Any, limit: Any, least: Any, sigma: Any, *, pad: bool
) -> tuple[Any, Any, Any]:
    _check_limit(limit)
    indices, kept = _chosen(scores, _overlap(boxes.astype(np.float32)), int(most), limit, least, sigma)
    spare = int(most) - len(indices) if pad else 0
    return (
        np.array([*indices, *[0] * spare], np.int32),
        np.array([*kept, *[0.0] * spare], np.float32).astype(scores.dtype),
        np.asarray(len(indices), np.int32),
    )


CHOICE = register(Op("NonMaxSuppressionV5", Kind.HOST, _infer_choice, _choose, num_outputs=3, differentiable=False))


def _choice(
    boxes: Any, scores: Any, most: Any, limit: Any, least: Any, sigma: Any, pad: bool, name: str | None
) -> tuple[Any, ...]:
    scores = convert(scores, dtype_hint=dtypes.float32)
    boxes = convert(boxes, dtype_hint=scores.dtype)
    numbers = [F.cast(convert(v, dtype_hint=dtypes.float32), dtypes.float32) for v in (limit, least, sigma)]
    return emit(CHOICE, (boxes, scores, int_tensor(most), *numbers), {"pad": pad}, name)


def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    name: str | None = None,
) -> Any:  # fmt: skip
    """The indices of the boxes with the highest scores, without those that overlap a better one too much.

    Args:
      boxes: [boxes, 4] rows (y1, x1, y2, x2) of any two opposite corners. scores: [boxes].
      max_output_size: how many indices at most.
      iou_threshold: the largest intersection over union that is kept. score_threshold: the scores above it count.

    >>> boxes = [[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 0.9], [2.0, 2.0, 3.0, 3.0]]
    >>> tf.image.non_max_suppression(boxes, [0.9, 0.8, 0.7], 3).numpy().tolist()
    [0, 2]

    TensorFlow: tf.image.non_max_suppression.
    """
    return _choice(boxes, scores, max_output_size, iou_threshold, score_threshold, 0.0, False, name)[0]


def non_max_suppression_with_scores(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    soft_nms_sigma: Any = 0.0, name: str | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """`non_max_suppression` with the scores; with `soft_nms_sigma`, overlap lowers scores instead of dropping boxes.

    TensorFlow: tf.image.non_max_suppression_with_scores.
    """
    return _choice(boxes, scores, max_output_size, iou_threshold, score_threshold, soft_nms_sigma, False, name)[:2]


def non_max_suppression_padded(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"),
    pad_to_max_output_size: bool = False, name: str | None = None, sorted_input: bool = False,
    canonicalized_coordinates: bool = False, tile_size: int = 512,
) -> tuple[Any, Any]:  # fmt: skip
    """`non_max_suppression` with indices filled up with zeros: (indices, how many are valid); boxes may be batched.

    `sorted_input`, `canonicalized_coordinates` and `tile_size` tell TensorFlow's kernel what it may skip; they change
    nothing here.

    TensorFlow: tf.image.non_max_suppression_padded.
    """
    boxes, scores = convert(boxes), convert(scores)
    args = (max_output_size, iou_threshold, score_threshold, 0.0)
    if boxes.ndim == 2:
        indices, _, valid = _choice(boxes, scores, *args, pad_to_max_output_size, name)
        return indices, valid
    lead_dims = boxes.dims[:-2]
    lead = F.shape(scores)[:-1]
    flat = [F.reshape(x, F.concat([[-1], F.shape(x)[len(lead_dims) :]], 0)) for x in (boxes, scores)]
    indices, valid = F.map_fn(
        lambda pair: _choice(pair[0], pair[1], *args, True, name)[::2],
        flat,
        fn_output_signature=(dtypes.int32, dtypes.int32),
    )
    shape = F.concat([lead, F.shape(indices)[1:]], 0)
    return F.reshape(indices, shape), F.reshape(valid, lead)


def _infer_by_overlaps(overlaps: Spec, scores: Spec, *rest: Spec) -> Spec:
    _check(overlaps, scores, None)
    return Spec((None,), dtypes.int32)


def _choose_by_overlaps(overlaps: Any, scores: Any, most: Any, limit: Any, least: Any) -> Any:
    indices, _ = _chosen(scores, lambda i, j: overlaps[i, j], int(most), limit, least)
    return np.array(indices, np.int32)


BY_OVERLAPS = register(
    Op("NonMaxSuppressionWithOverlaps", Kind.HOST, _infer_by_overlaps, _choose_by_overlaps, differentiable=False)
)


def non_max_suppression_overlaps(
    overlaps: Any, scores: Any, max_output_size: Any, overlap_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), name: str | None = None,
) -> Any:  # fmt: skip
    """`non_max_suppression` by a matrix [boxes, boxes] of overlaps.

    TensorFlow: tf.image.non_max_suppression_overlaps.
    """
    numbers = [convert(v, dtype=dtypes.float32) for v in (overlaps, scores)]
    limits = [convert(v, dtype=dtypes.float32) for v in (overlap_threshold, score_threshold)]
    return emit_one(BY_OVERLAPS, (*numbers, int_tensor(max_output_size), *limits), name=name)


# -- choosing for all classes ------------------------------------------------------------------------------------------


def _total(most_per_class: int, most: int, classes: int, per_class: bool) -> int:
    return min(most, most_per_class * classes) if per_class else most


def _infer_combined(boxes: Spec, scores: Spec, per_class: Spec, most: Spec, *rest: Spec, **attrs: Any) -> Any:
    if boxes.shape is not None and (len(boxes.shape) != 4 or boxes.shape[3] not in (4, None)):
        raise ValueError(f"boxes must be [batch, boxes, classes or 1, 4], received shape {list(boxes.shape)}")
    if scores.shape is not None and len(scores.shape) != 3:
        raise ValueError(f"scores must be [batch, boxes, classes], received shape {list(scores.shape)}")
    batch = None if boxes.shape is None else boxes.shape[0]
    classes = None if scores.shape is None else scores.shape[2]
    total = None
    if per_class.array is not None and most.array is not None:
        if int(most.array) <= 0 or int(per_class.array) <= 0:
            raise ValueError("max_total_size and max_output_size_per_class must be positive")
        if classes is not None or not attrs["pad_per_class"]:
            total = _total(int(per_class.array), int(most.array), classes or 0, attrs["pad_per_class"])
    f32 = dtypes.float32
    each = Spec((batch, total), f32)
    return Spec((batch, total, 4), f32), each, each, Spec((batch,), dtypes.int32)


def _choose_combined(
    boxes: Any, scores: Any, per_class: Any, most: Any, limit: Any, least: Any, *, pad_per_class: bool, clip_boxes: bool
) -> tuple[Any, ...]:
    _check_limit(limit)
    batch, _, classes = scores.shape
    total = _total(int(per_class), int(most), classes, pad_per_class)
    out = [np.zeros((batch, total, *inner), np.float32) for inner in ((4,), (), ())]
    counts = np.zeros(batch, np.int32)
    for b in range(batch):
        found = []
        for c in range(classes):
            own = boxes[b, :, c if boxes.shape[2] > 1 else 0]
            indices, kept = _chosen(scores[b, :, c], _overlap(own), int(per_class), limit, least)
            found += [(score, c, own[i]) for i, score in zip(indices, kept, strict=True)]
        found.sort(key=lambda one: -one[0])
        counts[b] = min(len(found), total)
        for k, (score, c, box) in enumerate(found[:total]):
            out[0][b, k], out[1][b, k], out[2][b, k] = np.clip(box, 0, 1) if clip_boxes else box, score, c
    return (*out, counts)


COMBINED = register(
    Op("CombinedNonMaxSuppression", Kind.HOST, _infer_combined, _choose_combined, num_outputs=4, differentiable=False)
)


def combined_non_max_suppression(
    boxes: Any, scores: Any, max_output_size_per_class: Any, max_total_size: Any, iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), pad_per_class: bool = False, clip_boxes: bool = True,
    name: str | None = None,
) -> tuple[Any, Any, Any, Any]:  # fmt: skip
    """`non_max_suppression` for every class and image, the best of all classes together.

    Args:
      boxes: [batch, boxes, classes or 1, 4]. scores: [batch, boxes, classes].
      pad_per_class: whether the results have room for no more than all classes can give.
      clip_boxes: whether coordinates are kept in [0, 1].

    Returns: boxes [batch, size, 4], scores [batch, size], classes [batch, size] as floats, and how many are valid
    [batch]; the rest is zero.

    TensorFlow: tf.image.combined_non_max_suppression.
    """
    inputs = (
        convert(boxes, dtype=dtypes.float32),
        convert(scores, dtype=dtypes.float32),
        int_tensor(max_output_size_per_class),
        int_tensor(max_total_size),
        convert(iou_threshold, dtype=dtypes.float32),
        convert(score_threshold, dtype=dtypes.float32),
    )
    return emit(COMBINED, inputs, {"pad_per_class": pad_per_class, "clip_boxes": clip_boxes}, name)  # type: ignore[return-value]


# -- drawing -----------------------------------------------------------------------------------------------------------

#: The colours TensorFlow draws in when it is given none.
_COLORS = [
    [1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], [0.5, 0, 0.5, 1],
    [0.5, 0.5, 0, 1], [0.5, 0, 0, 1], [0, 0, 0.5, 1], [0, 1, 1, 1], [1, 0, 1, 1],
]  # fmt: skip


def _infer_drawing(images: Spec, boxes: Spec, colors: Spec) -> Spec:
    if images.shape is not None and (len(images.shape) != 4 or images.shape[3] not in (1, 3, 4, None)):
        raise ValueError(f"images must be [batch, height, width, 1, 3 or 4], received shape {list(images.shape)}")
    if boxes.shape is not None and (len(boxes.shape) != 3 or boxes.shape[2] not in (4, None)):
        raise ValueError(f"boxes must be [batch, boxes, 4], received shape {list(boxes.shape)}")
    return Spec(images.shape, images.dtype)


def _draw(images: Any, boxes: Any, colors: Any) -> Any:
    height, width, depth = images.shape[1:]
    table = np.asarray(colors if colors.size else _COLORS, np.float32)
    if depth > table.shape[1]:
        table = np.pad(table, ((0, 0), (0, depth - table.shape[1])), constant_values=1)
    if depth == 1 and not colors.size:
        table = np.ones_like(table)
    table = table[:, :depth].astype(images.dtype)
    out = images.copy()
    for image, own in zip(out, boxes, strict=True):
        edges = (own * [height - 1, width - 1, height - 1, width - 1]).astype(np.int64)
        for k, (top, left, bottom, right) in enumerate(edges.tolist()):
            if top > bottom or left > right or top >= height or bottom < 0 or left >= width or right < 0:
                continue
            rows, columns = slice(max(top, 0), bottom + 1), slice(max(left, 0), right + 1)
            color = table[k % len(table)]
            for row in {top, bottom} & set(range(height)):
                image[row, columns] = color
            for column in {left, right} & set(range(width)):
                image[rows, column] = color
    return out


DRAWING = register(Op("DrawBoundingBoxesV2", Kind.HOST, _infer_drawing, _draw, differentiable=False))


def draw_bounding_boxes(images: Any, boxes: Any, colors: Any, name: str | None = None) -> Any:
    """Images with the outlines of boxes drawn on them.

    Args:
      images: [batch, height, width, 1, 3 or 4], floating. boxes: [batch, boxes, 4] rows (y1, x1, y2, x2) in [0, 1].
      colors: [colors, channels], taken in turn; None for a set of ten.

    TensorFlow: tf.image.draw_bounding_boxes.
    """
    images = convert(images, dtype_hint=dtypes.float32)
    colors = F.zeros([0, 0], dtypes.float32) if colors is None else convert(colors, dtype=dtypes.float32)
    return emit_one(DRAWING, (images, convert(boxes, dtype=dtypes.float32), colors), name=name)
