"""Folders of files as data sets: `image_`, `text_` and `audio_dataset_from_directory`.

Each subfolder is a class, in the order of their names. All three find files, label, shuffle, split and batch alike;
they differ in how one file becomes a tensor.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from duoflow import ops as tf
from duoflow.data import AUTOTUNE, Dataset

from ..preferences import standardize_data_format
from .images import smart_resize

__all__ = ["audio_dataset_from_directory", "image_dataset_from_directory", "text_dataset_from_directory"]

_IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_METHODS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")


# -- files and labels --------------------------------------------------------------------------------------------------


def _subfolders(directory: str, class_names: Any) -> list[str]:
    folders = (entry.name for entry in os.scandir(directory) if entry.is_dir())
    found = sorted(name for name in folders if not name.startswith("."))
    if class_names is None:
        return found
    if not set(class_names) <= set(found):
        raise ValueError(
            "The `class_names` passed did not match the names of the subdirectories of the target directory. Expected: "
            f"{found} (or a subset of it), but received: class_names={class_names}"
        )
    return list(class_names)


def _files(folder: str, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    walked = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    found = [(root, name) for root, _, names in walked for name in sorted(names)]
    return [os.path.join(root, name) for root, name in found if name.lower().endswith(endings)]


def _index(
    directory: str, labels: Any, endings: tuple[str, ...], class_names: Any, shuffle: bool, seed: int,
    follow_links: bool, verbose: bool,
) -> tuple[list[str], Any, list[str] | None]:  # fmt: skip
    """The files, their labels and the names of the classes, both shuffled by the seed."""
    if labels == "inferred":
        class_names = _subfolders(directory, class_names)
        groups = [_files(os.path.join(directory, name), endings, follow_links) for name in class_names]
        paths = [path for group in groups for path in group]
        labels = np.repeat(np.arange(len(groups), dtype=np.int32), [len(group) for group in groups])
    else:
        if class_names is not None:
            raise ValueError("`class_names` can only be given if the labels are inferred from the subdirectories.")
        paths = _files(directory, endings, follow_links)
        if labels is not None:
            if len(labels) != len(paths):
                raise ValueError(
                    "Expected the lengths of `labels` to match the number of files in the target directory. "
                    f"len(labels) is {len(labels)} while we found {len(paths)} files in directory {directory}."
                )
            class_names = [str(label) for label in sorted(set(labels))]
    if verbose:
        of = "" if labels is None else f" belonging to {len(class_names)} classes"
        print(f"Found {len(paths)} files{of}.")
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if labels is not None:
            np.random.RandomState(seed).shuffle(labels)
    return paths, labels, class_names


def _checked(labels: Any, label_mode: Any, class_names: Any, split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if labels not in ("inferred", None):
        if not isinstance(labels, list | tuple):
            raise ValueError(
                "`labels` argument should be a list/tuple of integer labels, of the same size as the number of files "
                "in the target directory. If you wish to infer the labels from the subdirectory names, pass "
                f'`labels="inferred"`; to get files without labels, `labels=None`. Received: labels={labels}'
            )
        if class_names:
            raise ValueError(
                'You can only pass `class_names` if `labels="inferred"`. '
                f"Received: labels={labels}, and class_names={class_names}"
            )
    if label_mode not in ("int", "categorical", "binary", None):
        raise ValueError(
            '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
            f"Received: label_mode={label_mode}"
        )
    if split and not 0 < split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
    if bool(split) != bool(subset):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f'`subset` must be either "training", "validation" or "both", received: {subset}')
    if split and shuffle and seed is None:
        raise ValueError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` argument, to make sure that "
            "there is no overlap between the training and validation subset."
        )


def _part(paths: list[str], labels: Any, split: Any, subset: str | None) -> tuple[list[str], Any]:
    if not split:
        return paths, labels
    count = int(split * len(paths))
    if subset == "training":
        print(f"Using {len(paths) - count} files for training.")
        some = slice(None, -count)
    else:
        print(f"Using {count} files for validation.")
        some = slice(-count, None)
    return paths[some], None if labels is None else labels[some]


def _labelled(labels: Any, label_mode: str, classes: int) -> Any:
    data = Dataset.from_tensor_slices(labels)
    if label_mode == "binary":
        return data.map(lambda x: tf.expand_dims(tf.cast(x, "float32"), axis=-1))
    if label_mode == "categorical":
        return data.map(lambda x: tf.one_hot(x, classes))
    return data


def _from_directory(
    kind: str, load: Callable[[Any], Any], directory: Any, endings: tuple[str, ...], *, labels: Any, label_mode: Any,
    class_names: Any, batch_size: int | None, shuffle: bool, seed: Any, validation_split: Any, subset: Any,
    follow_links: bool, verbose: bool, pad: bool = False,
) -> Any:  # fmt: skip
    """The data set, or both for `subset="both"`; `load` makes a tensor of a path, `pad` lets batches be uneven."""
    _checked(labels, label_mode, class_names, validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    seed = np.random.randint(1_000_000) if seed is None else seed
    paths, labels, class_names = _index(
        os.fspath(directory), labels, endings, class_names, shuffle, seed, follow_links, verbose
    )
    if label_mode == "binary" and len(class_names or ()) != 2:
        raise ValueError(
            'When passing `label_mode="binary"`, there must be exactly 2 class_names. '
            f"Received: class_names={class_names}"
        )
    found = []
    for part in ("training", "validation") if subset == "both" else (subset,):
        some, own = _part(paths, labels, validation_split, part)
        if not some:
            which = f"{part} " if subset == "both" else ""
            raise ValueError(f"No {which}{kind} found in directory {directory}. Allowed formats: {endings}")
        data = Dataset.from_tensor_slices(some)
        if label_mode:
            data = Dataset.zip((data, _labelled(own, label_mode, len(class_names or ()))))
        if shuffle and not (subset == "both" and part == "validation"):
            data = data.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
        data = data.map((lambda x, y: (load(x), y)) if label_mode else load, num_parallel_calls=AUTOTUNE)
        if batch_size is not None:
            data = data.padded_batch(batch_size) if pad else data.batch(batch_size)
        data = data.prefetch(AUTOTUNE)
        data.class_names, data.file_paths = class_names, some
        found.append(data)
    return found if subset == "both" else found[0]


# -- one function for each kind of file --------------------------------------------------------------------------------


def image_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    color_mode: str = "rgb", batch_size: int | None = 32, image_size: Any = (256, 256), shuffle: bool = True,
    seed: int | None = None, validation_split: float | None = None, subset: str | None = None,
    interpolation: str = "bilinear", follow_links: bool = False, crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False, data_format: str | None = None, format: str = "tf", verbose: bool = True,
) -> Any:  # fmt: skip
    """Batches of (images, labels) from a folder with one subfolder per class.

    Args:
      directory: the folder; files end in .bmp, .gif, .jpeg, .jpg or .png.
      labels: "inferred" from the subfolders, a list of ints in the order of the files, or None for no labels.
      label_mode: "int", "categorical" (one-hot), "binary" (floats) or None. class_names: the subfolders, in order.
      color_mode: "grayscale", "rgb" or "rgba". batch_size: None for single images.
      image_size: (height, width) they are resized to, by `interpolation`; with `crop_to_aspect_ratio` or
        `pad_to_aspect_ratio` without distortion.
      shuffle, seed: whether, and how, files are put in random order; otherwise in that of their names.
      validation_split, subset: which part is left for validation, and whether to give "training", "validation" or
        "both" as two data sets.
      follow_links: into folders that are links. format: "tf", for a tf.data.Dataset. verbose: print how many.

    The result has `class_names` and `file_paths`. Raises `ValueError` for arguments that do not fit and empty folders,
    `ImportError` without Pillow.

    Keras: keras.utils.image_dataset_from_directory.
    """
    if color_mode not in _CHANNELS:
        raise ValueError(
            f'`color_mode` must be one of {{"rgb", "rgba", "grayscale"}}. Received: color_mode={color_mode}'
        )
    size = (image_size, image_size) if isinstance(image_size, int) else image_size
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise ValueError(
            f"Invalid `image_size` value. Expected a tuple of 2 integers. Received: image_size={image_size}"
        )
    method = interpolation.lower()
    if method not in _METHODS:
        raise ValueError(
            f"Argument `interpolation` should be one of {_METHODS}. Received: interpolation={interpolation}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`.")
    _check_format(format)
    channels, first = _CHANNELS[color_mode], standardize_data_format(data_format) == "channels_first"

    def load(path: Any) -> Any:
        image = tf.decode_image(tf.read_file(path), channels, expand_animations=False)
        if crop_to_aspect_ratio:
            image = smart_resize(image, size, method)
        elif pad_to_aspect_ratio:
            image = tf.resize_with_pad(image, size[0], size[1], method)
        else:
            image = tf.resize_images(image, size, method)
        image = tf.ensure_shape(image, (*size, channels))
        return tf.transpose(image, [2, 0, 1]) if first else image

    return _from_directory(
        "images", load, directory, _IMAGES, labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose,
    )  # fmt: skip


def text_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    batch_size: int | None = 32, max_length: int | None = None, shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None, follow_links: bool = False, format: str = "tf",
    verbose: bool = True,
) -> Any:  # fmt: skip
    """Batches of (texts, labels) from a folder with one subfolder of `.txt` files per class.

    Args:
      max_length: cut texts to so many bytes. The others are those of `image_dataset_from_directory`.

    Keras: keras.utils.text_dataset_from_directory.
    """
    _check_format(format)

    def load(path: Any) -> Any:
        text = tf.read_file(path)
        return text if max_length is None else tf.string_substr(text, 0, max_length)

    return _from_directory(
        "text files", load, directory, (".txt",), labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose,
    )  # fmt: skip


def audio_dataset_from_directory(
    directory: Any, labels: Any = "inferred", label_mode: str | None = "int", class_names: Any = None,
    batch_size: int | None = 32, sampling_rate: int | None = None, output_sequence_length: int | None = None,
    ragged: bool = False, shuffle: bool = True, seed: int | None = None, validation_split: float | None = None,
    subset: str | None = None, follow_links: bool = False, verbose: bool = True,
) -> Any:  # fmt: skip
    """Batches of (sounds [batch, samples, channels], labels) from a folder with one subfolder of `.wav` files a class.

    Args:
      output_sequence_length: cut or fill up sounds to so many samples; else each batch is as long as its longest.
      sampling_rate: not offered (it needs a resampler), nor is `ragged`.
      The others are those of `image_dataset_from_directory`.

    Keras: keras.utils.audio_dataset_from_directory.
    """
    if ragged and output_sequence_length is not None:
        raise ValueError("Cannot set both `ragged` and `output_sequence_length`")
    if sampling_rate is not None:
        if not isinstance(sampling_rate, int) or sampling_rate <= 0:
            raise ValueError(f"`sampling_rate` should be a positive integer. Received: sampling_rate={sampling_rate}")
        raise NotImplementedError("Sounds cannot be resampled here: leave `sampling_rate` out and resample the files.")
    if ragged:
        raise NotImplementedError("There are no ragged tensors here: leave `ragged` out to get batches filled up.")
    samples = -1 if output_sequence_length is None else output_sequence_length

    def load(path: Any) -> Any:
        return tf.decode_wav(tf.read_file(path), desired_samples=samples)[0]

    return _from_directory(
        "audio files", load, directory, (".wav",), labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, verbose=verbose, pad=samples < 0,
    )  # fmt: skip


def _check_format(format: str) -> None:
    if format != "tf":
        raise ValueError(f'`format` should be "tf" (the library "grain" is not used here). Received: format={format}')
