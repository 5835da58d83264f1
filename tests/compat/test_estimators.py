"""Canned estimators: their losses, gradients, predictions and metrics written out in NumPy; their variables' names."""

import numpy as np
import pytest

import duoflow.compat.v1 as tf

estimator, columns = tf.estimator, tf.feature_column
_random = np.random.RandomState(0)
COUNT = 60
X, KIND = _random.randn(COUNT, 2).astype("f"), _random.choice(["a", "b", "c"], COUNT)
WEIGHTS = _random.rand(COUNT).astype("f")
BINARY = ((X[:, 0] + (KIND == "a")) > 0.3).astype(int)
THREE = BINARY + (KIND == "b")
NUMBERS = (X.sum(1) + (KIND == "a")).astype("f")
NUMERIC = columns.numeric_column("x", 2)
WORDS = columns.categorical_column_with_vocabulary_list("kind", ["a", "b", "c"])
ONE_HOT = (KIND[:, None] == np.array(["a", "b", "c"])).astype("f")


@pytest.fixture(autouse=True)
def quiet():
    level = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.ERROR)
    yield
    tf.logging.set_verbosity(level)


def data(labels, repeat=1, batch=COUNT):
    features = {"x": X, "kind": KIND, "w": WEIGHTS}
    return estimator.inputs.numpy_input_fn(features, labels, batch, repeat, shuffle=False)


def predictions(model, key):
    return np.array([p[key] for p in model.predict(data(None))])


# -- linear models -----------------------------------------------------------------------------------------------------


def test_a_step_of_linear_regression_is_the_gradient_of_squared_errors():
    model = estimator.LinearRegressor([NUMERIC, WORDS], optimizer=tf.train.GradientDescentOptimizer(0.01))
    model.train(data(NUMBERS, None), steps=1)
    names = ["linear/linear_model/bias_weights", "linear/linear_model/kind/weights", "linear/linear_model/x/weights"]
    assert model.get_variable_names() == ["global_step", *names]
    bias, words, x = (model.get_variable_value(name)[..., 0] for name in names)
    np.testing.assert_allclose(x, 0.02 * NUMBERS @ X, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(words, 0.02 * NUMBERS @ ONE_HOT, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(bias, 0.02 * NUMBERS.sum(), rtol=1e-4)
    expected = X @ x + ONE_HOT @ words + bias
    np.testing.assert_allclose(predictions(model, "predictions")[:, 0], expected, rtol=1e-4, atol=1e-5)
    found, errors = model.evaluate(data(NUMBERS)), (expected - NUMBERS) ** 2
    np.testing.assert_allclose([found["average_loss"], found["loss"]], [errors.mean(), errors.sum()], rtol=1e-4)
    np.testing.assert_allclose(found["prediction/mean"], expected.mean(), rtol=1e-4)
    assert sorted(found) == ["average_loss", "global_step", "label/mean", "loss", "prediction/mean"]


def test_binary_classifiers_measure_what_they_predict():
    model = estimator.LinearClassifier([NUMERIC, WORDS], weight_column="w", label_vocabulary=["no", "yes"])
    labels = np.array(["no", "yes"])[BINARY]
    model.train(data(labels, None), steps=5)
    logits = predictions(model, "logits")[:, 0]
    chance, guess = 1 / (1 + np.exp(-logits)), logits > 0
    losses = np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * BINARY
    mean = lambda values: np.average(values, weights=WEIGHTS)
    hits = WEIGHTS * (guess & (BINARY == 1))
    found = model.evaluate(data(labels))
    expected = {
        "accuracy": mean(guess == BINARY), "average_loss": mean(losses), "loss": (losses * WEIGHTS).sum(),
        "label/mean": mean(BINARY), "prediction/mean": mean(chance), "precision": hits.sum() / WEIGHTS[guess].sum(),
        "recall": hits.sum() / WEIGHTS[BINARY == 1].sum(), "accuracy_baseline": max(mean(BINARY), 1 - mean(BINARY)),
        "global_step": 5,
    }  # fmt: skip
    assert set(found) == {*expected, "auc", "auc_precision_recall"}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
    ranks = chance[BINARY == 1][:, None] > chance[BINARY == 0]
    pairs = WEIGHTS[BINARY == 1][:, None] * WEIGHTS[BINARY == 0]
    np.testing.assert_allclose(found["auc"], (ranks * pairs).sum() / pairs.sum(), atol=0.01)
    one = next(model.predict(data(None)))
    assert one["all_classes"].tolist() == [b"no", b"yes"] and one["classes"].tolist() == [
        [b"no", b"yes"][int(guess[0])]
    ]
    assert one["class_ids"].tolist() == [int(guess[0])]
    np.testing.assert_allclose(one["probabilities"], [1 - chance[0], chance[0]], rtol=1e-4)


def test_classifiers_of_many_classes():
    model = estimator.LinearClassifier([NUMERIC, WORDS], n_classes=3)
    model.train(data(THREE, None), steps=5)
    probabilities = predictions(model, "probabilities")
    found = model.evaluate(data(THREE))
    losses = -np.log(probabilities[np.arange(COUNT), THREE])
    assert sorted(found) == ["accuracy", "average_loss", "global_step", "loss"]
    np.testing.assert_allclose(found["accuracy"], (probabilities.argmax(1) == THREE).mean())
    np.testing.assert_allclose([found["average_loss"], found["loss"]], [losses.mean(), losses.sum()], rtol=1e-4)
    with pytest.raises(tf.errors.InvalidArgumentError, match="n_classes - 1"):
        model.evaluate(data(THREE + 1))


def test_baselines_learn_how_labels_are_spread():
    model = estimator.BaselineClassifier(n_classes=3)
    model.train(data(THREE, None), steps=60)
    np.testing.assert_allclose(predictions(model, "probabilities")[0], np.bincount(THREE) / COUNT, atol=0.03)
    assert model.get_variable_names() == ["baseline/bias", "baseline/bias/Ftrl", "baseline/bias/Ftrl_1", "global_step"]
    regressor = estimator.BaselineRegressor(optimizer="SGD", loss_reduction=tf.losses.Reduction.MEAN)
    regressor.train(data(NUMBERS, None), steps=20)
    np.testing.assert_allclose(predictions(regressor, "predictions")[0, 0], NUMBERS.mean(), rtol=1e-3)


# -- perceptrons -------------------------------------------------------------------------------------------------------

DEEP = [NUMERIC, columns.embedding_column(WORDS, 2)]


@pytest.mark.slow
def test_perceptrons_learn():
    config = estimator.RunConfig(tf_random_seed=2)
    model = estimator.DNNRegressor([6], DEEP, optimizer=lambda: tf.train.AdamOptimizer(0.03), config=config)
    model.train(data(NUMBERS, None), steps=100)
    assert model.evaluate(data(NUMBERS))["average_loss"] < 0.2 * NUMBERS.var()
    kernels = [name for name in model.get_variable_names() if "Adam" not in name and "power" not in name]
    assert kernels == [
        "dnn/hiddenlayer_0/bias", "dnn/hiddenlayer_0/kernel",
        "dnn/input_from_feature_columns/input_layer/kind_embedding/embedding_weights", "dnn/logits/bias",
        "dnn/logits/kernel", "global_step",
    ]  # fmt: skip
    assert model.get_variable_value("dnn/hiddenlayer_0/kernel").shape == (4, 6)


@pytest.mark.slow
def test_dropout_and_batch_norm_are_for_training():
    config = estimator.RunConfig(tf_random_seed=2)
    model = estimator.DNNClassifier([6], DEEP, n_classes=3, dropout=0.3, batch_norm=True, config=config)
    model.train(data(THREE, None), steps=3)
    moving = model.get_variable_value("dnn/hiddenlayer_0/batchnorm_0/moving_mean")
    assert moving.shape == (6,) and np.abs(moving).max() > 0
    np.testing.assert_array_equal(predictions(model, "logits"), predictions(model, "logits"))


@pytest.mark.slow
def test_wide_and_deep_models_add_up_two_logits_and_train_both_in_a_step():
    crossed = columns.crossed_column(["kind", columns.bucketized_column(columns.numeric_column("w"), [0.5])], 20)
    model = estimator.DNNLinearCombinedClassifier(
        linear_feature_columns=[WORDS, crossed], linear_optimizer=tf.train.FtrlOptimizer(0.1),
        dnn_feature_columns=DEEP, dnn_hidden_units=[6], dnn_optimizer=tf.train.AdagradOptimizer(0.1),
        config=estimator.RunConfig(tf_random_seed=1),
    )  # fmt: skip
    model.train(data(BINARY, None), steps=30)
    value = model.get_variable_value
    assert value("global_step") == 30
    net = np.concatenate([value("dnn/input_from_feature_columns/input_layer/kind_embedding/embedding_weights")[
        [["a", "b", "c"].index(k) for k in KIND]], X], 1)  # fmt: skip
    net = np.maximum(net @ value("dnn/hiddenlayer_0/kernel") + value("dnn/hiddenlayer_0/bias"), 0)
    deep = net @ value("dnn/logits/kernel") + value("dnn/logits/bias")
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"kind": tf.constant(KIND), "w": tf.constant(WEIGHTS)}
        hashed = session.run(columns.input_layer(features, columns.indicator_column(crossed)))
    wide = ONE_HOT @ value("linear/linear_model/kind/weights") + value("linear/linear_model/bias_weights")
    wide = wide + hashed @ value("linear/linear_model/kind_X_w_bucketized/weights")
    assert np.abs(value("linear/linear_model/kind_X_w_bucketized/weights")).max() > 0
    np.testing.assert_allclose(predictions(model, "logits"), deep + wide, rtol=1e-3, atol=1e-4)


# -- around training ---------------------------------------------------------------------------------------------------


def test_models_start_from_others(tmp_path):
    model = estimator.LinearClassifier([NUMERIC], str(tmp_path / "one"))
    model.train(data(BINARY, None), steps=3)
    settings = estimator.WarmStartSettings(str(tmp_path / "one"), ".*x/weights")
    other = estimator.LinearClassifier(
        [NUMERIC], warm_start_from=settings, optimizer=tf.train.GradientDescentOptimizer(0.0)
    )
    other.train(data(BINARY, None), steps=1)
    name = "linear/linear_model/x/weights"
    np.testing.assert_array_equal(other.get_variable_value(name), model.get_variable_value(name))
    assert not other.get_variable_value("linear/linear_model/bias_weights").any()


@pytest.mark.slow
def test_evaluation_follows_checkpoints():
    seen = []

    class Watch(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            seen.append(int(session.run(tf.train.get_global_step())))

    model = estimator.LinearClassifier([NUMERIC], config=estimator.RunConfig(save_checkpoints_steps=4))
    train = estimator.TrainSpec(data(BINARY, None), max_steps=10)
    check = estimator.EvalSpec(data(BINARY), name="check", hooks=[Watch()], throttle_secs=0)
    found, exported = estimator.train_and_evaluate(model, train, check)
    assert seen[-1] == found["global_step"] == 10 and len(seen) > 1 and seen == sorted(set(seen)) and exported == []
    rare, seen[:] = estimator.EvalSpec(data(BINARY), hooks=[Watch()], throttle_secs=600), []
    estimator.train_and_evaluate(model, estimator.TrainSpec(data(BINARY, None), max_steps=20), rare)
    assert seen[-1] == 20 and len(seen) <= 2


def test_examples_are_parsed_with_label_and_weights():
    spec = estimator.classifier_parse_example_spec([NUMERIC], "y", tf.string, weight_column="w")
    assert spec == {
        "x": tf.FixedLenFeature((2,), tf.float32), "y": tf.FixedLenFeature((1,), tf.string),
        "w": tf.FixedLenFeature((1,), tf.float32),
    }  # fmt: skip
    assert estimator.regressor_parse_example_spec([], "y", label_dimension=2)["y"].shape == (2,)
    with pytest.raises(ValueError, match="should not be used as feature"):
        estimator.regressor_parse_example_spec([NUMERIC], "x")


def served(folder, feeds, signature="predict"):
    """What an exported model gives, by name."""
    with tf.Graph().as_default(), tf.Session() as session:
        meta = tf.saved_model.load(session, ["serve"], folder.decode())
        found = meta.signature_def[signature]
        fed = {found.inputs[key].name: value for key, value in feeds.items()}
        return session.run({key: info.name for key, info in found.outputs.items()}, fed), sorted(
            name for name in meta.signature_def if not name.startswith("__")
        )


@pytest.mark.slow
def test_models_are_exported_as_saved_models(tmp_path):
    model = estimator.LinearClassifier([NUMERIC, WORDS])
    model.train(data(BINARY, None), steps=3)
    features = {"x": np.zeros((1, 2), "f"), "kind": np.array(["a"], object)}
    receive = estimator.export.build_raw_serving_input_receiver_fn(features)
    folder = model.export_saved_model(str(tmp_path), receive, assets_extra={"notes/a.txt": __file__})
    assert (tmp_path / folder.decode().split("/")[-1] / "assets.extra" / "notes" / "a.txt").is_file()
    found, names = served(folder, {"x": X[:5], "kind": KIND[:5]})
    np.testing.assert_allclose(found["logits"], predictions(model, "logits")[:5], rtol=1e-5)
    assert names == ["predict"]
    with pytest.raises(ValueError, match="find trained model"):
        estimator.BaselineRegressor().export_saved_model(str(tmp_path), receive)


@pytest.mark.slow
def test_models_are_exported_while_they_train(tmp_path):
    def receive():
        texts = tf.placeholder(tf.string, [None])
        numbers = tf.reshape(tf.string_to_number(texts), [-1, 1])
        return estimator.export.ServingInputReceiver({"x": tf.tile(numbers, [1, 2])}, texts)

    exporters = [estimator.FinalExporter("last", receive), estimator.LatestExporter("each", receive, exports_to_keep=1)]
    model = estimator.LinearClassifier([NUMERIC], str(tmp_path), config=estimator.RunConfig(save_checkpoints_steps=4))
    check = estimator.EvalSpec(data(BINARY), exporters=exporters, throttle_secs=0)
    _, folders = estimator.train_and_evaluate(model, estimator.TrainSpec(data(BINARY, None), max_steps=8), check)
    assert [len(list((tmp_path / "export" / name).iterdir())) for name in ("last", "each")] == [1, 1]
    found, names = served(folders[0], {"inputs": ["0.5"]}, "serving_default")
    assert names == ["classification", "predict", "regression", "serving_default"]
    weights = model.get_variable_value("linear/linear_model/x/weights").sum() * 0.5
    chance = 1 / (1 + np.exp(-weights - model.get_variable_value("linear/linear_model/bias_weights")[0]))
    np.testing.assert_allclose(found["scores"], [[1 - chance, chance]], rtol=1e-4)
    assert found["classes"].tolist() == [[b"0", b"1"]]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: estimator.export.ClassificationOutput(), ValueError),
        (lambda: estimator.export.RegressionOutput(3.0), ValueError),
        (lambda: estimator.export.PredictOutput({"a": 3.0}), ValueError),
        (lambda: estimator.export.ServingInputReceiver({"a": 3.0}, {}), ValueError),
        (lambda: estimator.LatestExporter("a", None, exports_to_keep=0), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], n_classes=1), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], label_vocabulary=["one"]), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], label_vocabulary="ab"), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], weight_column=3), TypeError),
        (lambda: estimator.LinearClassifier([NUMERIC], loss_reduction="all"), ValueError),
        (lambda: estimator.LinearClassifier(["x"]), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], optimizer="Best").train(data(BINARY), steps=1), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC], optimizer=int).train(data(BINARY), steps=1), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC]).train(data(None), steps=1), ValueError),
        (lambda: estimator.LinearClassifier([NUMERIC]).train(data(KIND), steps=1), ValueError),
        (lambda: estimator.LinearRegressor([NUMERIC], label_dimension=2).train(data(NUMBERS), steps=1), ValueError),
        (lambda: estimator.DNNLinearCombinedClassifier(), ValueError),
        (lambda: estimator.DNNLinearCombinedClassifier(dnn_feature_columns=[NUMERIC]), ValueError),
        (lambda: estimator.TrainSpec(data(BINARY), max_steps=0), ValueError),
        (lambda: estimator.TrainSpec("input"), TypeError),
        (lambda: estimator.EvalSpec(data(BINARY), steps=0), ValueError),
        (lambda: estimator.EvalSpec(data(BINARY), throttle_secs=-1), ValueError),
        (lambda: estimator.train_and_evaluate(3, None, None), TypeError),
    ],
)
def test_refuses(call, kind):
    with pytest.raises(kind):
        call()
