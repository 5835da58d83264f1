"""TextVectorization: text to numbers, in four steps: standardize, split, combine neighbours, look up."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import convert

from ...preferences import floatx
from ...saving.serialization import deserialize_keras_object
from ...symbolic import KerasTensor
from ..layer import Layer
from .batches import batches_of
from .lookup import StringLookup

__all__ = ["TextVectorization"]

_PUNCTUATION = r"""[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']"""
_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")


class TextVectorization(Layer):
    """Strings [batch] or [batch, 1] as numbers of their words, or vectors of which words they have.

    Args:
      max_tokens: the largest size of the vocabulary.
      standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", a function of tensors, or None.
      split: "whitespace", "character", a function that gives [batch, words] filled with "", or None.
      ngrams: combine up to so many neighbours; or a tuple of numbers of them.
      output_mode: "int", "multi_hot", "count" or "tf_idf".
      output_sequence_length: cut and fill "int" outputs to this length.
      pad_to_max_tokens, vocabulary, idf_weights, encoding: as in `StringLookup`. sparse, ragged: not supported.

    >>> layer = tf.keras.layers.TextVectorization(output_sequence_length=4)
    >>> layer.adapt(["a b b", "b c"])
    >>> layer(["B? a!", "z"]).numpy()
    array([[2, 4, 0, 0],
           [1, 0, 0, 0]])

    Keras: keras.layers.TextVectorization.
    """

    def __init__(
        self, max_tokens: int | None = None, standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace", ngrams: Any = None, output_mode: str = "int",
        output_sequence_length: int | None = None, pad_to_max_tokens: bool = False, vocabulary: Any = None,
        idf_weights: Any = None, sparse: bool = False, ragged: bool = False, encoding: str = "utf-8",
        name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        more = {key: kwargs.pop(key) for key in ("vocabulary_size",) if key in kwargs}
        kwargs.pop("has_input_vocabulary", None)
        super().__init__(name=name, **kwargs)
        _check_choice("standardize", standardize, _STANDARDS)
        _check_choice("split", split, ("whitespace", "character"))
        if not (ngrams is None or isinstance(ngrams, int) or _are_ints(ngrams)):
            raise ValueError(f"`ngrams` must be None, an integer, or a tuple of integers. Received: ngrams={ngrams}")
        if ragged:
            raise NotImplementedError("Ragged outputs are not supported; use ragged=False.")
        if output_mode == "int" and not isinstance(output_sequence_length, int | None):
            raise ValueError(
                "`output_sequence_length` must be either None or an integer when `output_mode` is 'int'. Received: "
                f"output_sequence_length={output_sequence_length}"
            )
        if output_mode != "int" and output_sequence_length is not None:
            raise ValueError(
                "`output_sequence_length` must not be set if `output_mode` is not 'int'. Received "
                f"output_sequence_length={output_sequence_length}."
            )
        self._standardize, self._split, self._ngrams_arg = standardize, split, ngrams
        self._ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        self._output_sequence_length, self._encoding = output_sequence_length, encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens, vocabulary=vocabulary, idf_weights=idf_weights, mask_token="",
            pad_to_max_tokens=pad_to_max_tokens, output_mode=output_mode, sparse=sparse, encoding=encoding, **more,
        )  # fmt: skip
        self._output_mode = self._lookup_layer.output_mode
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True

    # -- the vocabulary ----------------------------------------------------------------------------------------------

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Learn the vocabulary from strings: an array, a list, a data set or batches; `batch_size` is not needed."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the words of a batch."""
        self._lookup_layer.update_state(self._words(convert(data)))

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forget the counts."""
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their numbers."""
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many numbers there are, special ones included."""
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Give the words, as `StringLookup.set_vocabulary`."""
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights=idf_weights)

    # -- calling -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        words = self._words(convert(inputs))
        numbers = self._lookup_layer.call(words)
        length = self._output_sequence_length
        if self._output_mode != "int" or length is None:
            return numbers
        numbers = numbers[..., :length]
        numbers = tf.pad(numbers, [*[[0, 0]] * (numbers.ndim - 1), [0, length - tf.shape(numbers)[-1]]])
        return tf.ensure_shape(numbers, (*numbers.shape[:-1], length))

    def _words(self, text: Any) -> Any:
        """The words of each string, filled up with empty ones: [batch, words]."""
        text = self._standardized(text)
        if self._split is not None and text.ndim > 1:
            if text.shape[-1] != 1:
                raise ValueError(
                    "When using `TextVectorization` to tokenize strings, the input rank must be 1 or the last shape "
                    f"dimension must be 1. Received: inputs.shape={tuple(text.shape)} with rank={text.ndim}"
                )
            text = tf.squeeze(text, [-1])
        if callable(self._split):
            text = convert(self._split(text))
        elif self._split is not None:
            text = _on_strings(partial(_split, by=self._split, encoding=self._encoding), text, (*text.shape, None))
        if self._ngrams is not None:
            text = _on_strings(partial(_combined, counts=self._ngrams), text, (*text.shape[:-1], None))
        return text

    def _standardized(self, text: Any) -> Any:
        if callable(self._standardize):
            return convert(self._standardize(text))
        if self._standardize in ("lower", "lower_and_strip_punctuation"):
            text = tf.string_lower(text)
        if self._standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            text = tf.regex_replace(text, _PUNCTUATION, "")
        return text

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        if self._output_mode == "int":
            return (input_shape[0], self._output_sequence_length)
        words = (*input_shape, 1) if self._split is None and len(input_shape) <= 1 else tuple(input_shape)
        if self._split is not None:
            words = (input_shape[0], None)
        return self._lookup_layer.compute_output_shape(words)

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = "int64" if self._output_mode == "int" else floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    # -- config and files --------------------------------------------------------------------------------------------

    @property
    def compute_dtype(self) -> str:
        """Text goes in."""
        return "string"

    variable_dtype = compute_dtype

    def save_own_variables(self, store: Any) -> None:
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, folder: Any) -> None:
        """Write a vocabulary that the config does not hold."""
        self._lookup_layer.save_assets(folder)

    def load_assets(self, folder: Any) -> None:
        """Read what `save_assets` wrote."""
        self._lookup_layer.load_assets(folder)

    def get_config(self) -> dict[str, Any]:
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": self._standardize,
            "split": self._split,
            "ngrams": self._ngrams_arg,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": lookup.sparse,
            "ragged": False,
            "vocabulary": lookup.input_vocabulary,
            "idf_weights": lookup.input_idf_weights,
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TextVectorization:
        config = dict(config)
        for name in ("standardize", "split"):
            if isinstance(config[name], dict):
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config["ngrams"], list):
            config["ngrams"] = tuple(config["ngrams"])
        return cls(**config)


def _check_choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value is not None and not callable(value) and value not in allowed:
        raise ValueError(
            f"Unknown argument value for `{name}` of layer TextVectorization. Expected one of {allowed}, a callable or "
            f"None. Received: {name}={value}"
        )


def _are_ints(values: Any) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, int) for value in values)


def _on_strings(function: Any, text: Any, shape: tuple[int | None, ...]) -> Any:
    """A function from arrays of strings to lists of words, as rows of a dense tensor."""
    rows = tf.numpy_function(lambda array: _dense(array, function), [text], "string", stateful=False)
    return tf.ensure_shape(rows, shape)


def _dense(array: Any, function: Any) -> Any:
    """The words of each entry, filled with empty ones to the longest."""
    rows = function(array)
    longest = max(map(len, rows), default=0)
    out = np.full((len(rows), longest), b"", object)
    for i, words in enumerate(rows):
        out[i, : len(words)] = words
    return out


def _split(array: Any, by: str, encoding: str) -> list[list[bytes]]:
    texts = array.reshape(-1).tolist()
    if by == "whitespace":
        return [text.split() for text in texts]
    return [[letter.encode(encoding) for letter in text.decode(encoding)] for text in texts]


def _combined(array: Any, counts: tuple[int, ...]) -> list[list[bytes]]:
    """Neighbouring words joined by a space, by so many at a time."""
    rows = [[word for word in row if word] for row in array.tolist()]
    return [[b" ".join(row[i : i + count]) for count in counts for i in range(len(row) - count + 1)] for row in rows]
