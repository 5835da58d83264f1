"""Boxes and masks drawn as Keras draws them; galleries; what is missing without OpenCV and matplotlib."""

import sys
from pathlib import Path

import numpy as np
import pytest

from duoflow import keras

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "keras"
sys.path.insert(0, str(GOLDEN))
from visualization_cases import BOXES, MASKS, SPACE  # noqa: E402

visualization = keras.visualization
RECORDED = np.load(GOLDEN / "visualization.npz")
CASES = [*BOXES, *MASKS]


@pytest.mark.parametrize("case", CASES)
def test_drawn_as_by_keras(case):
    if case in BOXES:
        pytest.importorskip("cv2")
    drawn, expected = eval(case, {"visualization": visualization, **SPACE}), RECORDED[str(CASES.index(case))]
    assert drawn.dtype == expected.dtype
    np.testing.assert_array_equal(drawn, expected)


def test_channels_first_is_the_same_turned_around():
    first = {"images": SPACE["images"].transpose(0, 3, 1, 2), "masks": SPACE["masks"].transpose(0, 3, 1, 2)}
    drawn = visualization.draw_segmentation_masks(**_named(first), data_format="channels_first")
    np.testing.assert_array_equal(drawn, visualization.draw_segmentation_masks(**_named(SPACE)))
    pytest.importorskip("cv2")
    drawn = visualization.draw_bounding_boxes(first["images"], SPACE["boxes"], "xyxy", data_format="channels_first")
    expected = visualization.draw_bounding_boxes(SPACE["images"], SPACE["boxes"], "xyxy")
    np.testing.assert_array_equal(drawn, expected.transpose(0, 3, 1, 2))


def _named(space):
    return {"images": space["images"], "segmentation_masks": space["masks"]}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: visualization.draw_segmentation_masks(s["images"][0], s["masks"]), ValueError, "4D tensor"),
        (lambda s: visualization.draw_segmentation_masks(s["images"], s["masks"] * 1.0), TypeError, "integer dtype"),
    ],
)
def test_masks_that_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(SPACE)


@pytest.mark.parametrize(
    ("images", "boxes", "error"),
    [
        (SPACE["images"][0], SPACE["boxes"], ValueError),
        (SPACE["images"], [1], TypeError),
        (SPACE["images"], {}, ValueError),
    ],
)
def test_boxes_that_are_refused(images, boxes, error):
    pytest.importorskip("cv2")
    with pytest.raises(error):
        visualization.draw_bounding_boxes(images, boxes, "xyxy")


def test_what_is_missing_is_named(monkeypatch):
    for module in ("cv2", "matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, module, None)
    for call, package in (
        (lambda: visualization.draw_bounding_boxes(SPACE["images"], SPACE["boxes"], "xyxy"), "opencv-python"),
        (lambda: visualization.plot_image_gallery(SPACE["images"]), "matplotlib"),
        (lambda: visualization.plot_bounding_box_gallery(SPACE["images"], "xyxy"), "matplotlib"),
        (lambda: visualization.plot_segmentation_mask_gallery(SPACE["images"], 4), "matplotlib"),
    ):
        with pytest.raises(ImportError, match=f"pip install {package}"):
            call()


@pytest.fixture
def pyplot(monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_galleries(pyplot, tmp_path):
    five = np.concatenate([SPACE["images"]] * 3)[:5]
    labels = {"y_true": np.arange(5), "y_pred": np.zeros(5, int), "label_map": {0: "a", 1: "b"}}
    visualization.plot_image_gallery(five / 255, rows=2, cols=2, value_range=(0, 1), show=False, **labels)
    axes = pyplot.gcf().axes
    assert [axis.get_title() for axis in axes[:3]] == [
        "Label: a  Pred: a", "Label: b  Pred: a", "Label: Unknown  Pred: a",
    ]  # fmt: skip
    np.testing.assert_allclose(axes[3].images[0].get_array(), five[3], atol=1)
    visualization.plot_segmentation_mask_gallery(
        five[:2], 4, y_true=SPACE["masks"], y_pred=SPACE["masks"], path=tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    for bad in ({"path": "a.png", "show": True}, {"y_true": [1] * 5}):
        with pytest.raises(ValueError, match=r"path|label_map"):
            visualization.plot_image_gallery(five, **bad)
    with pytest.raises(ValueError, match="4D tensor"):
        visualization.plot_image_gallery(five[0], show=False)


def test_galleries_of_boxes(pyplot):
    pytest.importorskip("cv2")
    visualization.plot_bounding_box_gallery(
        SPACE["images"], "xyxy", SPACE["boxes"], legend=True, rows=1, cols=2, show=False
    )
    assert [text.get_text() for text in pyplot.gcf().legends[0].get_texts()] == ["Ground Truth", "Prediction"]
    expected = visualization.draw_bounding_boxes(
        SPACE["images"], SPACE["boxes"], "xyxy", color=(0, 188, 212), text_thickness=2
    )
    np.testing.assert_array_equal(pyplot.gcf().axes[1].images[0].get_array(), expected[1])
    with pytest.raises(ValueError, match="legend_handles"):
        visualization.plot_bounding_box_gallery(SPACE["images"], "xyxy", legend=True, legend_handles=[1])
