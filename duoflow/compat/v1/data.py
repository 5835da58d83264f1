"""`tf.compat.v1.data`: `tf.data` with iterators for sessions."""

from __future__ import annotations

from typing import Any

import duoflow
from duoflow.data.session_iterators import SessionIterator as Iterator
from duoflow.data.session_iterators import make_initializable_iterator, make_one_shot_iterator

__all__ = [
    "Iterator", "get_output_classes", "get_output_shapes", "get_output_types", "make_initializable_iterator",
    "make_one_shot_iterator",
]  # fmt: skip


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of the elements. TensorFlow: tf.compat.v1.data.get_output_types."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of the elements. TensorFlow: tf.compat.v1.data.get_output_shapes."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """The kinds of the elements' parts. TensorFlow: tf.compat.v1.data.get_output_classes."""
    return dataset_or_iterator.output_classes


def __getattr__(name: str) -> Any:
    return getattr(duoflow.data, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *dir(duoflow.data)})
