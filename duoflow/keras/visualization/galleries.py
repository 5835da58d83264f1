"""Galleries: images in rows and columns, with labels, boxes or masks. They need matplotlib."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..layers.preprocessing.image_layer import rescaled
from .drawing import batch_of_images, draw_bounding_boxes, draw_segmentation_masks

__all__ = ["plot_bounding_box_gallery", "plot_image_gallery", "plot_segmentation_mask_gallery"]


def _matplotlib(function: str) -> tuple[Any, Any]:
    """pyplot and patches of matplotlib."""
    try:
        from matplotlib import patches, pyplot
    except ImportError:
        raise ImportError(
            f"The `{function}` function requires the `matplotlib` package. Please install it with `pip install "
            "matplotlib`."
        ) from None
    return pyplot, patches


def plot_image_gallery(
    images: Any, y_true: Any = None, y_pred: Any = None, label_map: Any = None, rows: int | None = None,
    cols: int | None = None, value_range: Any = (0, 255), scale: float = 2, path: Any = None, show: bool | None = None,
    transparent: bool = True, dpi: int = 60, legend_handles: Any = None, data_format: str | None = None,
) -> None:  # fmt: skip
    """Draw images in `rows` and `cols`, and show them, or write them to a file.

    Args:
      images: [batch, height, width, channels], values within `value_range`.
      y_true, y_pred: classes [batch], named by `label_map` in titles. scale: inches of an image.
      path: a file to write, with `transparent` background and `dpi`; then nothing is shown.

    Raises `ImportError` without matplotlib; `ValueError` for `path` and `show` at once, classes without names, and
    images of other ranks.

    Keras: keras.visualization.plot_image_gallery.
    """
    pyplot, _ = _matplotlib("plot_image_gallery")
    if path is not None and show:
        raise ValueError("plot_gallery() expects either `path` to be set, or `show` to be true.")
    if (y_true is not None or y_pred is not None) and label_map is None:
        raise ValueError("If `y_true` or `y_pred` are provided, a `label_map` must also be provided.")
    pixels = batch_of_images(images, data_format)
    rows = rows or math.ceil(math.sqrt(len(pixels)))
    cols = cols or len(pixels) // rows
    shown = np.asarray(rescaled(pixels[: rows * cols], value_range, (0, 255))).astype("uint8")
    figure, axes = pyplot.subplots(
        nrows=rows, ncols=cols, figsize=(cols * scale, rows * scale), frameon=False, layout="tight", squeeze=False,
        sharex="row", sharey="col",
    )  # fmt: skip
    figure.subplots_adjust(wspace=0, hspace=0)
    if legend_handles is not None:
        figure.legend(handles=legend_handles, loc="lower center")
    for index, (axis, image) in enumerate(zip(axes.flat, shown, strict=True)):
        axis.imshow(image)
        axis.margins(x=0, y=0)
        axis.axis("off")
        titles = [
            f"{kind}: {label_map.get(np.asarray(labels)[index], 'Unknown')}"
            for kind, labels in (("Label", y_true), ("Pred", y_pred))
            if labels is not None and index < len(labels)
        ]
        if titles:
            axis.set_title("  ".join(titles), fontsize=8)
    if path is not None:
        pyplot.savefig(fname=path, pad_inches=0, bbox_inches="tight", transparent=transparent, dpi=dpi)
        pyplot.close(figure)
    elif show or show is None:
        pyplot.show()
        pyplot.close(figure)


def plot_bounding_box_gallery(
    images: Any, bounding_box_format: str, y_true: Any = None, y_pred: Any = None, value_range: Any = (0, 255),
    true_color: Any = (0, 188, 212), pred_color: Any = (255, 235, 59), line_thickness: int = 2, font_scale: float = 1.0,
    text_thickness: int | None = None, class_mapping: Any = None, ground_truth_mapping: Any = None,
    prediction_mapping: Any = None, legend: bool = False, legend_handles: Any = None, rows: int | None = None,
    cols: int | None = None, data_format: str | None = None, **kwargs: Any,
) -> None:  # fmt: skip
    """A gallery with true and predicted boxes; needs matplotlib and OpenCV.

    Args:
      y_true, y_pred: boxes as in `draw_bounding_boxes`. ground_truth_mapping, prediction_mapping: labels to names for
        either, `class_mapping` for both. legend: say which colour is which. kwargs: of `plot_image_gallery`.

    Keras: keras.visualization.plot_bounding_box_gallery.
    """
    _, patches = _matplotlib("plot_bounding_box_gallery")
    if legend and legend_handles:
        raise ValueError("Only pass `legend` OR `legend_handles` to `keras.visualization.plot_bounding_box_gallery()`.")
    drawn = batch_of_images(images, data_format)
    sides = (
        ("Ground Truth", y_true, true_color, ground_truth_mapping),
        ("Prediction", y_pred, pred_color, prediction_mapping),
    )
    for _, boxes, color, names in sides:
        if boxes is not None:
            drawn = draw_bounding_boxes(
                drawn, boxes, bounding_box_format, names or class_mapping, color, line_thickness,
                text_thickness or line_thickness, font_scale, "channels_last",
            )  # fmt: skip
    if legend:
        legend_handles = [patches.Patch(color=np.array(color) / 255.0, label=name) for name, _, color, _ in sides]
    plot_image_gallery(
        drawn, value_range=value_range, legend_handles=legend_handles, rows=rows, cols=cols,
        data_format="channels_last", **kwargs,
    )  # fmt: skip


def plot_segmentation_mask_gallery(
    images: Any, num_classes: int, value_range: Any = (0, 255), y_true: Any = None, y_pred: Any = None,
    color_mapping: Any = None, blend: bool = True, alpha: float = 0.8, ignore_index: int = -1,
    data_format: str | None = None, **kwargs: Any,
) -> None:  # fmt: skip
    """A gallery with a row for each image: the image, and with true and predicted masks drawn on it.

    Args:
      y_true, y_pred: masks; with the other arguments as in `draw_segmentation_masks`. kwargs: of `plot_image_gallery`.

    Keras: keras.visualization.plot_segmentation_mask_gallery.
    """
    pixels = batch_of_images(images, data_format)
    columns = [pixels]
    for masks in (y_true, y_pred):
        if masks is not None:
            classes = np.asarray(masks).astype("int32")
            classes = batch_of_images(classes, data_format) if classes.ndim == 4 else classes
            columns.append(
                draw_segmentation_masks(
                    pixels, classes, num_classes, color_mapping, alpha, blend, ignore_index, "channels_last"
                )
            )
    gallery = np.stack(columns, axis=1).reshape(-1, *pixels.shape[1:])
    plot_image_gallery(
        gallery, value_range=value_range, rows=len(pixels), cols=len(columns), data_format="channels_last", **kwargs
    )
