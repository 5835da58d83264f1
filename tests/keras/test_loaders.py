"""Folders of files as data sets, pictures as arrays, data sets in parts."""

import io

import numpy as np
import pytest

import duoflow as tf
from duoflow import keras

utils = keras.utils
smart_resize = keras.preprocessing.image.smart_resize


@pytest.fixture
def folder(tmp_path):
    """Two classes of texts, one of them with files further down; what begins with a dot does not count."""
    for name, count in (("b_cats", 5), ("a_dogs", 4), (".hidden", 2)):
        (tmp_path / name / "below").mkdir(parents=True)
        for i in range(count):
            path = tmp_path / name / ("below" if i == 2 else ".") / f"{i}.txt"
            path.write_text(f"{name[:1]}{i}")
        (tmp_path / name / "other.md").write_text("not a text")
    return tmp_path


def texts(data):
    return [(t.decode(), int(y)) for batch, labels in data for t, y in zip(batch.numpy(), labels.numpy(), strict=True)]


DOGS, CATS = [(f"a{i}", 0) for i in (0, 1, 3, 2)], [(f"b{i}", 1) for i in (0, 1, 3, 4, 2)]


def test_texts_in_the_order_of_their_folders(folder, capsys):
    data = utils.text_dataset_from_directory(folder, shuffle=False, batch_size=2)
    assert capsys.readouterr().out == "Found 9 files belonging to 2 classes.\n"
    assert data.class_names == ["a_dogs", "b_cats"] and len(data) == 5
    assert texts(data) == DOGS + CATS
    assert [path[-5:] for path in data.file_paths[:2]] == ["0.txt", "1.txt"]


def test_labels_of_each_kind(folder):
    def labels(**options):
        data = utils.text_dataset_from_directory(folder, shuffle=False, verbose=False, **options)
        return next(iter(data))

    text, y = labels(label_mode="binary")
    assert (y.dtype, y.shape, y.numpy().sum()) == (tf.float32, (9, 1), 5)
    _, y = labels(label_mode="categorical")
    assert (y.dtype, y.shape, y.numpy().sum(0).tolist()) == (tf.float32, (9, 2), [4, 5])
    assert labels(label_mode=None).shape == labels(labels=None).shape == (11,)
    assert labels(class_names=["b_cats", "a_dogs"])[1].numpy().tolist() == [0] * 5 + [1] * 4
    text, y = labels(class_names=["b_cats"], max_length=1)
    assert text.numpy().tolist() == [b"b"] * 5 and y.numpy().tolist() == [0] * 5
    single = utils.text_dataset_from_directory(folder, batch_size=None, verbose=False)
    assert next(iter(single))[0].shape == ()


def test_the_seed_decides_the_order(folder):
    def order(seed, **options):
        return texts(utils.text_dataset_from_directory(folder, seed=seed, verbose=False, **options))

    assert order(1) == order(1) and sorted(order(1)) == sorted(DOGS + CATS)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


def test_parts_for_training_and_validation(folder, capsys):
    options = {"validation_split": 0.3, "seed": 3, "verbose": False}
    parts = (utils.text_dataset_from_directory(folder, subset=s, **options) for s in ("training", "validation"))
    train, test = map(texts, parts)
    assert capsys.readouterr().out == "Using 7 files for training.\nUsing 2 files for validation.\n"
    assert len(train) == 7 and len(test) == 2 and sorted(train + test) == sorted(DOGS + CATS)
    both = utils.text_dataset_from_directory(folder, subset="both", **options)
    assert [sorted(texts(part)) for part in both] == [sorted(train), sorted(test)]


@pytest.mark.parametrize("options, message", [
    ({"labels": "given"}, "should be a list/tuple"),
    ({"labels": [0, 1], "class_names": ["a"]}, "You can only pass `class_names`"),
    ({"labels": [0, 1]}, "match the number of files"),
    ({"label_mode": "other"}, "`label_mode` argument must be one of"),
    ({"class_names": ["z"]}, "did not match the names of the subdirectories"),
    ({"label_mode": "binary", "class_names": ["a_dogs"]}, "exactly 2 class_names"),
    ({"validation_split": 0.2}, "If `subset` is set"),
    ({"validation_split": 2.0, "subset": "both"}, "must be between 0 and 1"),
    ({"validation_split": 0.2, "subset": "other", "seed": 1}, "must be either"),
    ({"validation_split": 0.2, "subset": "training"}, "you must provide a `seed`"),
    ({"format": "grain"}, '`format` should be "tf"'),
])  # fmt: skip
def test_arguments_that_do_not_fit(folder, options, message):
    with pytest.raises(ValueError, match=message):
        utils.text_dataset_from_directory(folder, verbose=False, **options)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="No text files found in directory"):
        utils.text_dataset_from_directory(tmp_path, labels=None, verbose=False)


def test_sounds(tmp_path):
    for name, count in (("high", 3), ("low", 4)):
        (tmp_path / name).mkdir()
        for i in range(count):
            wave = np.full((10 + i, 1), 0.5, np.float32)
            tf.io.write_file(str(tmp_path / name / f"{i}.wav"), tf.audio.encode_wav(wave, 8000))
    options = {"shuffle": False, "verbose": False}
    wave, labels = next(iter(utils.audio_dataset_from_directory(tmp_path, **options)))
    assert wave.shape == (7, 13, 1) and labels.numpy().tolist() == [0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_allclose(wave[1, :, 0], [0.5] * 11 + [0, 0], atol=1e-4)
    short = utils.audio_dataset_from_directory(tmp_path, output_sequence_length=5, batch_size=2, **options)
    wave, _ = next(iter(short))
    assert wave.shape == (2, 5, 1)
    for wrong, kind in (({"sampling_rate": 8000}, NotImplementedError), ({"sampling_rate": -1}, ValueError)):
        with pytest.raises(kind, match="sampling_rate"):
            utils.audio_dataset_from_directory(tmp_path, **wrong)
    with pytest.raises(ValueError, match="Cannot set both"):
        utils.audio_dataset_from_directory(tmp_path, ragged=True, output_sequence_length=3)


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    for c, name in enumerate(("a", "b")):
        (tmp_path / name).mkdir()
        for i in range(3):
            image = np.full((6 + i, 8, 3), 40 * i + 100 * c, np.uint8)
            pillow.fromarray(image).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_pictures_by_folder(pictures):
    data = utils.image_dataset_from_directory(pictures, image_size=(4, 5), shuffle=False, verbose=False)
    assert data.element_spec[0].shape.as_list() == [None, 4, 5, 3]
    images, labels = next(iter(data))
    assert images.dtype == tf.float32 and images[:, 0, 0, 0].numpy().tolist() == [0, 40, 80, 100, 140, 180]
    assert labels.numpy().tolist() == [0, 0, 0, 1, 1, 1]
    assert data.class_names == ["a", "b"]


@pytest.mark.parametrize("options, shape", [
    ({"color_mode": "grayscale"}, (6, 4, 5, 1)),
    ({"color_mode": "rgba"}, (6, 4, 5, 4)),
    ({"data_format": "channels_first"}, (6, 3, 4, 5)),
    ({"crop_to_aspect_ratio": True}, (6, 4, 5, 3)),
    ({"pad_to_aspect_ratio": True, "interpolation": "nearest"}, (6, 4, 5, 3)),
    ({"image_size": 3}, (6, 3, 3, 3)),
])  # fmt: skip
def test_shapes_of_pictures(pictures, options, shape):
    given = {"image_size": (4, 5), "labels": None, "verbose": False, **options}
    assert next(iter(utils.image_dataset_from_directory(pictures, **given))).shape == shape


@pytest.mark.parametrize("options, message", [
    ({"color_mode": "cmyk"}, "`color_mode` must be one of"),
    ({"image_size": (1, 2, 3)}, "Invalid `image_size`"),
    ({"interpolation": "other"}, "`interpolation` should be one of"),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
])  # fmt: skip
def test_arguments_for_pictures_that_do_not_fit(pictures, options, message):
    with pytest.raises(ValueError, match=message):
        utils.image_dataset_from_directory(pictures, **options)


def test_a_model_learns_from_a_folder_of_pictures(pictures):
    data = utils.image_dataset_from_directory(pictures, image_size=(4, 4), batch_size=2, seed=1, verbose=False)
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert len(model.fit(data, epochs=2, verbose=0).history["loss"]) == 2


def test_arrays_to_pictures_and_back(tmp_path):
    pytest.importorskip("PIL.Image")
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    utils.save_img(tmp_path / "p.png", image, scale=False)
    back = utils.img_to_array(utils.load_img(tmp_path / "p.png"))
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back, image)
    first = utils.img_to_array(utils.load_img(str(tmp_path / "p.png")), "channels_first")
    np.testing.assert_array_equal(first, image.transpose(2, 0, 1))
    gray = utils.load_img(io.BytesIO((tmp_path / "p.png").read_bytes()), color_mode="grayscale", target_size=(2, 3))
    assert (gray.mode, gray.size, utils.img_to_array(gray).shape) == ("L", (3, 2), (2, 3, 1))
    wide = utils.load_img(tmp_path / "p.png", target_size=(2, 6), keep_aspect_ratio=True, interpolation="bicubic")
    assert wide.size == (6, 2)
    scaled = utils.img_to_array(utils.array_to_img(image[..., :1] / 7.0))
    assert scaled.min() == 0 and scaled.max() == 255
    with pytest.warns(UserWarning, match="does not support RGBA"):
        utils.save_img(tmp_path / "p.jpg", np.concatenate([image, image[..., :1]], -1))
    assert (tmp_path / "p.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_pictures_that_are_refused(tmp_path):
    pytest.importorskip("PIL.Image")
    utils.save_img(tmp_path / "p.png", np.zeros((4, 4, 3)))
    for action, message in (
        (lambda: utils.load_img(tmp_path / "p.png", color_mode="other"), "color_mode must be"),
        (lambda: utils.load_img(tmp_path / "p.png", "rgb", (2, 2), "other"), "Invalid interpolation"),
        (lambda: utils.array_to_img(np.zeros((2, 2))), "rank 3"),
        (lambda: utils.array_to_img(np.zeros((2, 2, 2))), "Unsupported channel number"),
        (lambda: utils.img_to_array(np.zeros(3)), "Unsupported image shape"),
    ):
        with pytest.raises(ValueError, match=message):
            action()
    with pytest.raises(TypeError, match="path-like"):
        utils.load_img(3)


def test_smart_resizing_cuts_out_the_middle():
    x = np.zeros((4, 8, 1), np.float32)
    x[:, 2:6] = 1
    assert smart_resize(x, (2, 2)).min() == 1 and isinstance(smart_resize(x, (2, 2)), np.ndarray)
    assert smart_resize(x[None], (4, 4), interpolation="nearest").shape == (1, 4, 4, 1)
    assert smart_resize(x.transpose(2, 0, 1), (2, 2), data_format="channels_first").shape == (1, 2, 2)
    open_sizes = tf.function(lambda x: smart_resize(x, (2, 2)), input_signature=[tf.TensorSpec([None, None, 1])])
    np.testing.assert_allclose(open_sizes(x), smart_resize(x, (2, 2)))
    with pytest.raises(ValueError, match="incorrect rank"):
        smart_resize(np.zeros((2, 2)), (2, 2))


# -- parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes, counts", [
    ({"left_size": 0.7}, (7, 3)),
    ({"left_size": 3}, (3, 7)),
    ({"right_size": 0.2}, (8, 2)),
    ({"left_size": 0.3, "right_size": 0.3}, (3, 3)),
    ({"left_size": 2, "right_size": 3}, (2, 3)),
])  # fmt: skip
def test_sizes_of_parts(sizes, counts):
    x = np.arange(10.0)
    left, right = utils.split_dataset(x, **sizes)
    found = [[float(v) for v in part] for part in (left, right)]
    assert found == [x[: counts[0]].tolist(), x[-counts[1] :].tolist()]


def test_parts_of_structures_and_batches():
    x, y = np.arange(10.0), np.arange(20).reshape(10, 2)
    left, _ = utils.split_dataset((x, y), left_size=0.5)
    assert [v.shape for v in next(iter(left))] == [(), (2,)]
    batched = tf.data.Dataset.from_tensor_slices({"x": x}).batch(4)
    left, right = utils.split_dataset(batched, left_size=6)
    assert [b["x"].shape[0] for b in left] == [4, 2] and [b["x"].shape[0] for b in right] == [4]
    left, right = utils.split_dataset(x, left_size=0.5, shuffle=True, seed=1)
    assert sorted(float(v) for part in (left, right) for v in part) == x.tolist()
    assert [float(v) for v in left] != x[:5].tolist()


@pytest.mark.parametrize("data, sizes, kind", [
    (np.arange(10), {}, ValueError),
    (np.arange(10), {"left_size": 0}, ValueError),
    (np.arange(10), {"left_size": 1.5}, ValueError),
    (np.arange(10), {"left_size": 0.7, "right_size": 0.7}, ValueError),
    (np.arange(10), {"left_size": 8, "right_size": 8}, ValueError),
    (np.arange(10), {"left_size": "half"}, TypeError),
    ([np.arange(3), np.arange(4)], {"left_size": 1}, ValueError),
    ([], {"left_size": 1}, ValueError),
    ("text", {"left_size": 1}, TypeError),
])  # fmt: skip
def test_parts_that_are_refused(data, sizes, kind):
    with pytest.raises(kind):
        utils.split_dataset(data, **sizes)


def test_where_tensors_come_from():
    a, b = keras.Input((2,)), keras.Input((2,))
    x = keras.layers.Dense(2)(a)
    y = keras.layers.Add()([x, b, x])
    assert [source is wanted for source, wanted in zip(utils.get_source_inputs(y), (a, b), strict=True)] == [True, True]
    assert utils.get_source_inputs(a)[0] is a
