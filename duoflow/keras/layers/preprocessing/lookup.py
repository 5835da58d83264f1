"""Layers that number the entries of a vocabulary: StringLookup and IntegerLookup, given or learned by `adapt`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.core.tensor import Tensor, convert

from ...preferences import floatx
from ...state import session
from ...symbolic import KerasTensor
from ..layer import Layer
from .batches import batches_of
from .categories import checked_mode, checked_salt, encoded, encoded_shape, hashed

__all__ = ["IntegerLookup", "StringLookup"]

_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")
_VOCABULARY = "vocabulary.txt"


class IndexLookup(Layer):
    """What the two lookups share: a table from tokens to numbers, or (`invert`) back.

    Numbers begin with that of the mask ("int" outputs with a `mask_token` only), then those of unknown tokens, then the
    vocabulary's.
    """

    def _configure(
        self, max_tokens: Any, num_oov_indices: int, mask_token: Any, oov_token: Any, vocabulary_dtype: str,
        vocabulary: Any, idf_weights: Any, invert: bool, output_mode: str, sparse: bool, pad_to_max_tokens: bool,
        oov_method: str, salt: Any, vocabulary_size: int | None = None,
    ) -> None:  # fmt: skip
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(f"If set, `max_tokens` must be greater than 1. Received: max_tokens={max_tokens}")
        if pad_to_max_tokens and max_tokens is None:
            raise ValueError(
                f"If pad_to_max_tokens is True, must set `max_tokens`. Received: max_tokens={max_tokens}"
            )
        if num_oov_indices < 0:
            raise ValueError(
                "`num_oov_indices` must be greater than or equal to 0. "
                f"Received: num_oov_indices={num_oov_indices}"
            )
        output_mode = {"binary": "multi_hot", "tf-idf": "tf_idf"}.get(output_mode, output_mode)
        if sparse and output_mode == "int":
            raise ValueError(f"`sparse` may only be true if `output_mode` is not 'int'. Received: sparse={sparse}")
        checked_mode(type(self).__name__, output_mode, _MODES, sparse)
        if invert and output_mode != "int":
            raise ValueError(
                f"`output_mode` must be `'int'` when `invert` is true. Received: output_mode={output_mode}"
            )
        if idf_weights is not None and output_mode != "tf_idf":
            raise ValueError(
                "`idf_weights` should only be set if `output_mode` is `'tf_idf'`. Received: "
                f"idf_weights={idf_weights} and output_mode={output_mode}"
            )
        if output_mode == "tf_idf" and vocabulary is not None and idf_weights is None:
            raise ValueError(
                "When specifying the `vocabulary` argument, in TF-IDF output mode, the `idf_weights` argument must "
                "also be provided."
            )
        self.max_tokens, self.num_oov_indices, self.pad_to_max_tokens = max_tokens, num_oov_indices, pad_to_max_tokens
        self.mask_token, self.oov_token, self.vocabulary_dtype = mask_token, oov_token, vocabulary_dtype
        self.invert, self.output_mode, self.sparse = invert, output_mode, sparse
        self.oov_method, self.salt = oov_method, checked_salt(type(self).__name__, salt)
        self.input_vocabulary = None if isinstance(vocabulary, str) else _plain(vocabulary)
        self.input_idf_weights = _plain(idf_weights)
        self._given = vocabulary is not None
        self._tokens: list[Any] = []
        self._index: dict[Any, int] = {}
        self.idf_weights: Any = None
        self._frozen_size = vocabulary_size
        self._allow_non_tensor_positional_args = True
        self._convert_input_args = False
        self.built = True
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    # -- the vocabulary ----------------------------------------------------------------------------------------------

    def _oov_start(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    def _token_start(self) -> int:
        return self._oov_start() + self.num_oov_indices

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers."""
        special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
        return [*(special if include_special_tokens else []), *self._tokens]

    def vocabulary_size(self) -> int:
        """How many numbers there are, special ones included."""
        return self._token_start() + len(self._tokens)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Give the tokens: an array, a list, or the path of a file with one a line.

        Raises `ValueError` for repeated tokens, special ones in the midst, or too many.
        """
        if (idf_weights is None) != (self.output_mode != "tf_idf"):
            raise ValueError(
                "`idf_weights` must be set if output_mode is 'tf_idf', and only then. Received: "
                f"output_mode={self.output_mode} and idf_weights={idf_weights}"
            )
        if isinstance(vocabulary, str):
            vocabulary = self._tokens_of_file(vocabulary)
        tokens = self._keys(vocabulary)
        if not tokens:
            raise ValueError(f"Cannot set an empty vocabulary. Received: vocabulary={vocabulary}")
        start = self._token_start()
        special = [self.mask_token] * self._oov_start() + [self.oov_token] * self.num_oov_indices
        found_special = bool(special) and tokens[:start] == special
        tokens = tokens[start:] if found_special else tokens
        self._check_tokens(tokens, special)
        self._given = True
        self._take(tokens)
        if idf_weights is not None:
            self._take_weights(np.asarray(_plain(idf_weights), floatx()), 0 if found_special else start, len(tokens))

    def _tokens_of_file(self, path: str) -> list[Any]:
        if session.safe_mode:
            raise ValueError(
                "Requested the loading of a vocabulary file outside of the model archive. This carries a potential "
                "risk of loading arbitrary and sensitive files and thus it is disallowed by default. If you trust the "
                "source of the artifact, pass `safe_mode=False` to the loading function. "
                f"Vocabulary file: '{path}'"
            )
        if not Path(path).exists():
            raise ValueError(f"Vocabulary file {path} does not exist.")
        if self.output_mode == "tf_idf":
            raise ValueError("output_mode `'tf_idf'` does not support loading a vocabulary from file.")
        return Path(path).read_text(encoding="utf-8").splitlines()

    def _check_tokens(self, tokens: list[Any], special: list[Any]) -> None:
        repeated = [token for token, count in Counter(tokens).items() if count > 1]
        if repeated:
            raise ValueError(
                "The passed vocabulary has at least one repeated term. Please uniquify your dataset. The repeated "
                f"terms are: {repeated}"
            )
        reserved = [self.mask_token, self.oov_token if self.invert else None]
        for token in reserved:
            if token is not None and token in tokens:
                raise ValueError(
                    f"Found reserved token {token!r} at an unexpected location in `vocabulary`. Either remove all mask "
                    f"and OOV tokens, or include them only at the start in precisely this order: {special}."
                )
        size = self._token_start() + len(tokens)
        if self.max_tokens is not None and size > self.max_tokens:
            raise ValueError(
                "Attempted to set a vocabulary larger than the maximum vocab size. Received vocabulary size is "
                f"{size}; `max_tokens` is {self.max_tokens}."
            )

    def _take(self, tokens: list[Any]) -> None:
        self._tokens = tokens
        self._index = {self._key(token): i for i, token in enumerate(tokens, self._token_start())}
        self._frozen_size = self.vocabulary_size()

    def _take_weights(self, weights: Any, special: int, count: int) -> None:
        """Keep weights; unknown tokens get the mean, places without a token nothing."""
        if weights.ndim != 1 or len(weights) not in (count, count + self._token_start()):
            raise ValueError(f"`idf_weights` must have one entry for each token. Received: shape {weights.shape}")
        front = np.full(special, weights.mean() if len(weights) else 0, floatx())
        weights = np.concatenate([front, weights])
        depth = self._depth()
        self.idf_weights = np.pad(weights, (0, max(depth - len(weights), 0))).astype(floatx())

    def _key(self, token: Any) -> Any:
        """A token as it is looked up: bytes or an int."""
        return token.encode("utf-8") if isinstance(token, str) else token

    def _keys(self, tokens: Any) -> list[Any]:
        """Tokens of an array, a tensor or a list as plain values."""
        flat = np.asarray(tokens).reshape(-1).tolist() if isinstance(tokens, np.ndarray | Tensor) else list(tokens)
        if self.vocabulary_dtype == "string":
            return [t.decode("utf-8") if isinstance(t, bytes) else str(t) for t in flat]
        return [int(t) for t in flat]

    def _depth(self) -> int:
        return self.max_tokens if self.pad_to_max_tokens else self.vocabulary_size()

    # -- learning ----------------------------------------------------------------------------------------------------

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Learn the vocabulary from data: the most frequent tokens first, of equal ones the last in order."""
        self.reset_state()
        for batch in batches_of(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Count the tokens of a batch of documents."""
        if self._given:
            raise ValueError(
                f"Cannot adapt layer '{self.name}' after setting a static vocabulary via `vocabulary` argument or "
                "`set_vocabulary()` method."
            )
        for document in _documents(data):
            tokens = self._keys(document)
            self._counts.update(tokens)
            self._document_counts.update(set(tokens))
            self._documents += 1

    def finalize_state(self) -> None:
        """Make the vocabulary of what was counted."""
        for token in (self.mask_token, self.oov_token):
            self._counts.pop(token, None)
        if self._given or not self._counts:
            return
        order = sorted(self._counts, key=lambda token: (self._counts[token], self._key(token)), reverse=True)
        tokens = order if not self.max_tokens else order[: self.max_tokens - self._token_start()]
        self._take(tokens)
        if self.output_mode == "tf_idf":
            counts = np.array([self._document_counts[token] for token in tokens])
            self._take_weights(np.log(1 + self._documents / (1 + counts)), self._token_start(), len(tokens))
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the counts."""
        self._counts: Counter[Any] = Counter()
        self._document_counts: Counter[Any] = Counter()
        self._documents = 0

    # -- calling -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any) -> Any:
        inputs = convert(inputs)
        if self.vocabulary_dtype == "string" and not self.invert and inputs.dtype.name != "string":
            raise ValueError(f"{type(self).__name__} looks up strings. Received: inputs of dtype {inputs.dtype.name}")
        if not self.invert and self.vocabulary_dtype != "string":
            inputs = tf.cast(inputs, self.vocabulary_dtype)
        if self.invert:
            return self._tokens_at(tf.cast(inputs, "int64"))
        indices = self._indices_of(inputs)
        if self.output_mode != "int":
            weights = None
            if self.output_mode == "tf_idf":
                known = tf.clip_by_value(indices, 0, self._depth() - 1)
                weights = tf.gather(convert(self.idf_weights), known)
            mode = "count" if self.output_mode == "tf_idf" else self.output_mode
            return encoded(indices, mode, self._depth(), floatx(), weights)
        return indices

    def _indices_of(self, inputs: Any) -> Any:
        found = tf.ensure_shape(tf.numpy_function(self._look_up, [inputs], "int64", stateful=False), inputs.shape)
        if self.num_oov_indices <= 1:
            return found
        return tf.where(tf.equal(found, _UNKNOWN), self._spread(inputs), found)

    def _spread(self, inputs: Any) -> Any:
        """The numbers of unknown tokens, by their hash."""
        if self.vocabulary_dtype == "string" or self.oov_method == "farmhash":
            strings = inputs if inputs.dtype.name == "string" else tf.as_string(inputs)
            places = hashed(strings, self.num_oov_indices, self.salt)
        else:
            places = tf.floormod(tf.cast(inputs, "int64"), self.num_oov_indices)
        return places + self._oov_start()

    def _look_up(self, values: Any) -> Any:
        unknown = self._oov_start() if self.num_oov_indices == 1 else _UNKNOWN
        index, mask = self._index, None if self.mask_token is None else self._key(self.mask_token)
        masked = 0 if self.output_mode == "int" else _NOWHERE
        plain = values.reshape(-1).tolist()
        out = [masked if mask is not None and v == mask else index.get(v, unknown) for v in plain]
        if self.num_oov_indices == 0 and _UNKNOWN in out:
            strange = sorted({v for v, place in zip(plain, out, strict=True) if place == _UNKNOWN})
            raise ValueError(
                f"When `num_oov_indices=0` all inputs should be in vocabulary, found OOV values {strange}, consider "
                "setting `num_oov_indices=1`."
            )
        return np.array(out, np.int64).reshape(values.shape)

    def _tokens_at(self, inputs: Any) -> Any:
        dtype = self.vocabulary_dtype
        return tf.ensure_shape(tf.numpy_function(self._name, [inputs], dtype, stateful=False), inputs.shape)

    def _name(self, places: Any) -> Any:
        start = self._token_start()
        names = dict(enumerate(self._tokens, start))
        if self._oov_start():
            names[0] = self.mask_token
        found = [self._key(names.get(place, self.oov_token)) for place in places.reshape(-1).tolist()]
        kind = object if self.vocabulary_dtype == "string" else self.vocabulary_dtype
        return np.array(found, kind).reshape(places.shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        depth = self.max_tokens if self.pad_to_max_tokens else self._frozen_size
        return encoded_shape(input_shape, self.output_mode, depth)

    def compute_output_spec(self, inputs: Any) -> Any:
        dtype = self.vocabulary_dtype if self.invert else "int64" if self.output_mode == "int" else floatx()
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=dtype)

    # -- config and files --------------------------------------------------------------------------------------------

    @property
    def compute_dtype(self) -> str:
        """The dtype of the vocabulary."""
        return self.vocabulary_dtype

    variable_dtype = compute_dtype

    def get_build_config(self) -> dict[str, Any]:
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        self.built = True

    def save_assets(self, folder: Any) -> None:
        """Write a vocabulary that the config does not hold."""
        if self.input_vocabulary is not None:
            return
        lines = "\n".join(map(str, self.get_vocabulary()))
        (Path(folder) / _VOCABULARY).write_text(lines, encoding="utf-8", newline="\n")

    def load_assets(self, folder: Any) -> None:
        """Read what `save_assets` wrote."""
        path = Path(folder) / _VOCABULARY
        if self.input_vocabulary is not None or not path.exists():
            return
        tokens = path.read_text(encoding="utf-8").split("\n")[self._token_start() :]
        if tokens:
            self._take(self._keys(tokens))

    def save_own_variables(self, store: Any) -> None:
        if self.output_mode == "tf_idf" and self.idf_weights is not None:
            store["idf_weights"] = self.idf_weights

    def load_own_variables(self, store: Any) -> None:
        if self.output_mode == "tf_idf":
            self.idf_weights = np.asarray(store["idf_weights"])

    def get_config(self) -> dict[str, Any]:
        names = (
            "invert", "max_tokens", "num_oov_indices", "oov_token", "mask_token", "output_mode", "sparse",
            "pad_to_max_tokens", "vocabulary_dtype", "oov_method", "salt",
        )  # fmt: skip
        own = {name: getattr(self, name) for name in names}
        learned = {"vocabulary": self.input_vocabulary, "vocabulary_size": self._frozen_size}
        return {**super().get_config(), **own, **learned, "idf_weights": self.input_idf_weights}


#: Stand for tokens that are not in the vocabulary, and for masked ones where they get no number.
_UNKNOWN, _NOWHERE = -1, 2**62


def _plain(values: Any) -> Any:
    """An array or tensor as a list."""
    if isinstance(values, np.ndarray | Tensor):
        values = np.asarray(values).tolist()
    if isinstance(values, list | tuple):
        return [v.decode("utf-8") if isinstance(v, bytes) else v for v in values]
    return values


def _documents(data: Any) -> list[Any]:
    """The rows of a batch; a vector is one document."""
    if isinstance(data, list | tuple) and data and isinstance(data[0], list | tuple | np.ndarray):
        return list(data)
    array = np.asarray(data)
    return [array.reshape(-1)] if array.ndim < 2 else list(array.reshape(array.shape[0], -1))


class StringLookup(IndexLookup):
    """Strings as numbers, by a vocabulary given or learned.

    Args:
      max_tokens: the largest size of the vocabulary, special tokens included.
      num_oov_indices: how many numbers unknown strings share. oov_token: what such numbers stand for, inverted.
      mask_token: a string that has the number 0. vocabulary: the strings, or the path of a file with one a line.
      idf_weights: of the strings, for "tf_idf". invert: from numbers to strings.
      output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf". pad_to_max_tokens: make vectors that long.
      encoding: of the strings. salt: of the hash that spreads unknown strings. sparse: not supported.

    >>> layer = tf.keras.layers.StringLookup(vocabulary=["a", "b", "c", "d"])
    >>> layer([["a", "c", "d"], ["d", "z", "b"]]).numpy()
    array([[1, 3, 4],
           [4, 0, 2]])

    Keras: keras.layers.StringLookup.
    """

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None,
        oov_token: str = "[UNK]", vocabulary: Any = None, idf_weights: Any = None, invert: bool = False,
        output_mode: str = "int", pad_to_max_tokens: bool = False, sparse: bool = False, encoding: str = "utf-8",
        name: str | None = None, salt: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        more = {key: kwargs.pop(key) for key in ("vocabulary_size",) if key in kwargs}
        for unused in ("vocabulary_dtype", "oov_method", "has_input_vocabulary", "dtype"):
            kwargs.pop(unused, None)
        super().__init__(name=name, **kwargs)
        self.encoding = encoding
        self._configure(
            max_tokens, num_oov_indices, mask_token, oov_token, "string", vocabulary, idf_weights, invert, output_mode,
            sparse, pad_to_max_tokens, "floormod", salt, **more,
        )  # fmt: skip

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config


class IntegerLookup(IndexLookup):
    """Ints as numbers without gaps, by a vocabulary given or learned.

    Args:
      vocabulary_dtype: "int64" or "int32". oov_method: how unknown ints are spread, "floormod" or "farmhash".
      max_tokens, num_oov_indices, ...: as in `StringLookup`.

    >>> tf.keras.layers.IntegerLookup(vocabulary=[12, 36, 1138])(np.array([[12, 1138, 7]])).numpy()
    array([[1, 3, 0]])

    Keras: keras.layers.IntegerLookup.
    """

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None,
        oov_token: int = -1, vocabulary: Any = None, vocabulary_dtype: str = "int64", idf_weights: Any = None,
        invert: bool = False, output_mode: str = "int", sparse: bool = False, pad_to_max_tokens: bool = False,
        oov_method: str = "floormod", salt: Any = None, name: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        more = {key: kwargs.pop(key) for key in ("vocabulary_size",) if key in kwargs}
        for unused in ("has_input_vocabulary", "dtype"):
            kwargs.pop(unused, None)
        super().__init__(name=name, **kwargs)
        if max_tokens is not None and max_tokens <= 1:
            raise ValueError(
                "If `max_tokens` is set for `IntegerLookup`, it must be greater than 1. Received: "
                f"max_tokens={max_tokens}"
            )
        if oov_method not in ("floormod", "farmhash"):
            raise ValueError(f"`oov_method` must be 'floormod' or 'farmhash'. Received: oov_method={oov_method}")
        self._configure(
            max_tokens, num_oov_indices, mask_token, oov_token, vocabulary_dtype, vocabulary, idf_weights, invert,
            output_mode, sparse, pad_to_max_tokens, oov_method, salt, **more,
        )  # fmt: skip
