"""Programs that train small models: each returns plain data, and was run under Keras for comparison.

A program gets the framework, and a folder it may write to. Weights and data are fixed, and nothing is shuffled.
"""

import contextlib
import io
import re
import warnings

import numpy as np

PROGRAMS = {}


def program(function):
    """Keep a program under its name."""
    PROGRAMS[function.__name__] = function
    return function


def run(name, tf, folder):
    """What a program returns, or the type of the error it ends with."""
    tf.keras.backend.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return plain(PROGRAMS[name](tf, folder))


def plain(x):
    """Nested data as JSON would keep it; numbers as floats."""
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    if x is None or isinstance(x, str | bool):
        return x
    return np.asarray(x, "float64").tolist()


def error_of(function):
    """The type of the error that a call ends with."""
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return "none"


def numbers(seed, *shape):
    """Reproducible normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def labels(seed, count, classes):
    """Reproducible class numbers."""
    return np.random.default_rng(seed).integers(0, classes, count)


def fixed(model):
    """The model with reproducible weights."""
    model.set_weights([numbers(i, *w.shape) * 0.5 for i, w in enumerate(model.get_weights())])
    return model


def classifier(tf, **compiled):
    """A small classifier of 4 numbers, compiled."""
    layers = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(8, "relu"), layers.Dense(3, "softmax")])
    settings = {"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]} | compiled
    model.compile(**settings)
    return fixed(model)


X, Y = numbers(50, 50, 4), labels(51, 50, 3)
VX, VY = numbers(52, 20, 4), labels(53, 20, 3)
QUIET = {"verbose": 0, "shuffle": False}


def two_headed(tf, **compiled):
    """A functional model with outputs "a" (one number) and "b" (three classes), compiled."""
    layers = tf.keras.layers
    x = tf.keras.Input((4,), name="x")
    h = layers.Dense(6, "tanh")(x)
    model = tf.keras.Model(x, [layers.Dense(1, name="a")(h), layers.Dense(3, "softmax", name="b")(h)])
    model.compile(optimizer=tf.keras.optimizers.SGD(0.05), **compiled)
    return fixed(model)


A = numbers(54, 50, 1)
BOTH = ["mse", "sparse_categorical_crossentropy"]


@program
def fit_with_validation_data(tf, folder):
    history = classifier(tf).fit(X, Y, epochs=3, batch_size=16, validation_data=(VX, VY), **QUIET)
    return [list(history.history), history.history, history.epoch]


@program
def fit_with_validation_split(tf, folder):
    model = classifier(tf)
    history = model.fit(X, Y, epochs=2, batch_size=8, validation_split=0.2, validation_freq=2, **QUIET)
    return [list(history.history), history.history, list(model.get_weights())]


@program
def evaluate_and_predict(tf, folder):
    model = classifier(tf, metrics=["acc", "sparse_top_k_categorical_accuracy"])
    values = model.evaluate(X, Y, verbose=0, batch_size=16)
    return [
        values,
        model.evaluate(X, Y, verbose=0, return_dict=True),
        model.predict(VX, verbose=0, batch_size=7),
        model.metrics_names,
    ]


@program
def evaluate_without_metrics(tf, folder):
    return classifier(tf, metrics=None).evaluate(X, Y, verbose=0)


@program
def names_of_metrics(tf, folder):
    out = []
    for metrics in (
        ["accuracy"],
        ["acc"],
        ["sparse_categorical_accuracy"],
        [tf.keras.metrics.SparseCategoricalAccuracy()],
        [tf.keras.metrics.sparse_categorical_accuracy],
    ):
        history = classifier(tf, metrics=metrics).fit(X, Y, batch_size=25, **QUIET)
        out.append(history.history)
    return out


@program
def binary_and_one_hot_accuracy(tf, folder):
    layers = tf.keras.layers
    binary = fixed(tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(1, "sigmoid")]))
    binary.compile("sgd", "binary_crossentropy", metrics=["accuracy", "mae"])
    one_hot = classifier(tf, loss="categorical_crossentropy")
    return [
        binary.fit(X, Y > 0, batch_size=10, **QUIET).history,
        one_hot.fit(X, np.eye(3)[Y], batch_size=10, **QUIET).history,
    ]


@program
def loss_by_kind_of_target(tf, folder):
    layers = tf.keras.layers
    binary = fixed(tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(1, "sigmoid")]))
    binary.compile("sgd", "crossentropy")
    return [
        binary.fit(X, (Y > 0).astype("float32")[:, None], batch_size=10, **QUIET).history,
        classifier(tf, loss="crossentropy").fit(X, Y, batch_size=10, **QUIET).history,
        classifier(tf, loss="crossentropy").fit(X, np.eye(3)[Y], batch_size=10, **QUIET).history,
    ]


@program
def sample_weights_and_weighted_metrics(tf, folder):
    weights = np.linspace(0, 2, 50).astype("float32")
    model = classifier(tf, metrics=["accuracy"], weighted_metrics=["accuracy", "sparse_categorical_crossentropy"])
    history = model.fit(
        X, Y, sample_weight=weights, epochs=2, batch_size=16, validation_data=(VX, VY, np.ones(20)), **QUIET
    )
    return [list(history.history), history.history, model.evaluate(X, Y, sample_weight=weights, verbose=0)]


@program
def class_weights(tf, folder):
    model = classifier(tf)
    history = model.fit(X, Y, class_weight={0: 1.0, 1: 2.5, 2: 0.1}, epochs=2, batch_size=16, **QUIET).history
    one_hot = classifier(tf, loss="categorical_crossentropy")
    return [
        history,
        one_hot.fit(X, np.eye(3)[Y], class_weight={0: 1.0, 1: 2.5, 2: 0.1}, batch_size=16, **QUIET).history,
    ]


@program
def outputs_as_lists(tf, folder):
    model = two_headed(tf, loss=BOTH, loss_weights=[0.5, 2.0], metrics=[["mae"], ["accuracy"]])
    history = model.fit(X, [A, Y], epochs=2, batch_size=16, validation_data=(X, [A, Y]), **QUIET)
    predicted = model.predict(VX, verbose=0)
    return [list(history.history), history.history, model.evaluate(X, [A, Y], verbose=0), predicted]


@program
def outputs_as_dicts(tf, folder):
    model = two_headed(
        tf,
        loss={"a": "mse", "b": "sparse_categorical_crossentropy"},
        loss_weights={"a": 0.5, "b": 2.0},
        metrics={"b": ["accuracy"]},
    )
    history = model.fit({"x": X}, {"a": A, "b": Y}, epochs=2, batch_size=16, **QUIET)
    return [list(history.history), history.history, model.evaluate(X, {"a": A, "b": Y}, verbose=0, return_dict=True)]


@program
def one_loss_for_all_outputs(tf, folder):
    layers = tf.keras.layers
    x = tf.keras.Input((4,))
    model = tf.keras.Model(x, {"first": layers.Dense(2, name="p")(x), "second": layers.Dense(2, name="q")(x)})
    model.compile("sgd", "mse", metrics={"second": "mae"})
    fixed(model)
    targets = {"first": numbers(1, 50, 2), "second": numbers(2, 50, 2)}
    history = model.fit(X, targets, batch_size=16, **QUIET)
    predicted = model.predict(VX, verbose=0)
    return [list(history.history), history.history, predicted]


@program
def loss_for_one_of_two_outputs(tf, folder):
    model = two_headed(tf, loss={"a": "mse", "b": None})
    return model.fit(X, {"a": A, "b": Y}, batch_size=16, **QUIET).history


@program
def weights_per_output(tf, folder):
    model = two_headed(tf, loss=BOTH, weighted_metrics=[["mae"], []])
    weights = [np.linspace(0, 1, 50), np.linspace(1, 0, 50)]
    return model.fit(X, [A, Y], sample_weight=weights, batch_size=16, **QUIET).history


@program
def single_batches(tf, folder):
    model = classifier(tf)
    return [
        model.train_on_batch(X[:8], Y[:8]), model.train_on_batch(X[8:20], Y[8:20], return_dict=True),
        model.train_on_batch(X[:8], Y[:8], class_weight={0: 2.0, 1: 0.5, 2: 1.0}), model.test_on_batch(VX, VY),
        model.train_on_batch(X[:8], Y[:8], sample_weight=np.arange(8)), model.predict_on_batch(VX[:3]),
    ]  # fmt: skip


@program
def custom_steps(tf, folder):
    class Model(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(1)
            self.seen = tf.keras.metrics.Mean(name="seen")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            self.seen.update_state(loss)
            return {"seen": self.seen.result(), "twice": loss * 2}

        def test_step(self, data):
            x, y = data
            return {"error": tf.reduce_mean(tf.abs(self(x) - y))}

    model = Model()
    model.compile(tf.keras.optimizers.SGD(0.01), loss="mse")
    model(X[:1])
    fixed(model)
    history = model.fit(X, A, epochs=2, batch_size=16, validation_data=(X[:20], A[:20]), **QUIET)
    return [history.history, model.evaluate(X, A, verbose=0)]


@program
def added_losses_and_own_loss(tf, folder):
    class Model(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = tf.keras.layers.Dense(1, kernel_regularizer="l2")

        def call(self, x):
            self.add_loss(tf.reduce_mean(x**2) * 0.1)
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return super().compute_loss(x, y, y_pred, sample_weight) + 1.0

    model = Model()
    model.compile(tf.keras.optimizers.SGD(0.01), loss="mae")
    model(X[:1])
    fixed(model)
    return [model.fit(X, A, epochs=2, batch_size=16, **QUIET).history, model.evaluate(X, A, verbose=0)]


@program
def eager_and_several_steps_at_once(tf, folder):
    return [
        classifier(tf, run_eagerly=True).fit(X, Y, epochs=2, batch_size=16, **QUIET).history,
        classifier(tf, steps_per_execution=3).fit(X, Y, epochs=2, batch_size=16, **QUIET).history,
    ]


@program
def batches_from_elsewhere(tf, folder):
    def generate():
        while True:
            for i in range(0, 48, 16):
                yield X[i : i + 16], Y[i : i + 16]

    class Batches(tf.keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return X[16 * i : 16 * i + 16], Y[16 * i : 16 * i + 16]

    dataset = tf.data.Dataset.from_tensor_slices((X, Y)).batch(16)
    model = classifier(tf)
    return [
        classifier(tf).fit(generate(), steps_per_epoch=2, epochs=2, **QUIET).history,
        classifier(tf).fit(Batches(), epochs=2, **QUIET).history,
        classifier(tf).fit(dataset, epochs=2, validation_data=dataset, **QUIET).history,
        classifier(tf).fit(dataset.repeat(), epochs=2, steps_per_epoch=5, **QUIET).history,
        model.evaluate(dataset, verbose=0), model.predict(dataset, verbose=0)[:2], model.evaluate(dataset, steps=2, verbose=0),
    ]  # fmt: skip


@program
def masks_reach_losses_and_metrics(tf, folder):
    layers = tf.keras.layers
    tokens = np.array([[1, 2, 0, 0], [3, 1, 2, 0], [2, 0, 0, 0], [1, 1, 1, 1]])
    targets = labels(3, (4, 4), 3)
    model = tf.keras.Sequential(
        [tf.keras.Input((4,), dtype="int32"), layers.Embedding(5, 3, mask_zero=True), layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    fixed(model)
    return model.fit(tokens, targets, epochs=2, batch_size=2, **QUIET).history


@program
def embedding_with_adam(tf, folder):
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [tf.keras.Input((6,), dtype="int32"), layers.Embedding(5, 3), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    fixed(model)
    tokens = labels(4, (50, 6), 5)
    return [model.fit(tokens, A, epochs=2, batch_size=10, **QUIET).history, model.get_weights()[0]]


@program
def logs_at_batches(tf, folder):
    seen = []

    class Listener(tf.keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([batch, logs])

        def on_test_batch_end(self, batch, logs=None):
            seen.append(["test", batch, logs])

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(["predict", batch, sorted(logs)])

    model = classifier(tf)
    model.fit(X, Y, batch_size=20, callbacks=[Listener()], validation_data=(VX, VY), **QUIET)
    model.predict(VX, verbose=0, batch_size=10, callbacks=[Listener()])
    return seen


@program
def events_in_order(tf, folder):
    seen = []

    recorder = tf.keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(f"epoch {epoch} begins"),
        on_epoch_end=lambda epoch, logs: seen.append(f"epoch {epoch} ends"),
        on_train_begin=lambda logs: seen.append("training begins"), on_train_end=lambda logs: seen.append("training ends"),
        on_train_batch_begin=lambda batch, logs: seen.append(f"batch {batch} begins"),
        on_train_batch_end=lambda batch, logs: seen.append(f"batch {batch} ends"),
    )  # fmt: skip
    classifier(tf).fit(X, Y, epochs=2, batch_size=30, callbacks=[recorder], **QUIET)
    return seen


@program
def early_stopping(tf, folder):
    model = classifier(tf, optimizer=tf.keras.optimizers.SGD(0.5))
    stop = tf.keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    history = model.fit(X, Y, epochs=20, validation_data=(VX, VY), callbacks=[stop], **QUIET)
    return [len(history.epoch), stop.stopped_epoch, stop.best_epoch, stop.best, model.get_weights()[0]]


@program
def early_stopping_variants(tf, folder):
    out = []
    for settings in ({"monitor": "accuracy", "patience": 3}, {"monitor": "loss", "mode": "max", "patience": 2}, {"monitor": "loss", "min_delta": 0.1},
                     {"monitor": "val_loss", "baseline": 0.1, "patience": 3}, {"monitor": "loss", "start_from_epoch": 3, "mode": "max"}):  # fmt: skip
        stop = tf.keras.callbacks.EarlyStopping(**settings)
        history = classifier(tf, optimizer="sgd").fit(
            X, Y, epochs=12, validation_data=(VX, VY), callbacks=[stop], **QUIET
        )
        out.append([len(history.epoch), stop.stopped_epoch, stop.best])
    return out


@program
def learning_rate_callbacks(tf, folder):
    plateau = tf.keras.callbacks.ReduceLROnPlateau(
        "val_loss", factor=0.5, patience=1, min_delta=0.05, cooldown=1, min_lr=0.01
    )
    first = classifier(tf, optimizer=tf.keras.optimizers.SGD(0.2)).fit(
        X, Y, epochs=8, validation_data=(VX, VY), callbacks=[plateau], **QUIET
    )
    scheduler = tf.keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    second = classifier(tf).fit(X, Y, epochs=3, callbacks=[scheduler], **QUIET)
    return [list(first.history), first.history["learning_rate"], list(second.history), second.history]


@program
def nan_in_targets(tf, folder):
    out = io.StringIO()
    layers = tf.keras.layers
    model = fixed(tf.keras.Sequential([tf.keras.Input((4,)), layers.Dense(1)]))
    model.compile("sgd", "mse")
    bad = A.copy()
    bad[20] = np.nan
    with contextlib.redirect_stdout(out):
        history = model.fit(X, bad, epochs=3, batch_size=16, callbacks=[tf.keras.callbacks.TerminateOnNaN()], **QUIET)
    return [len(history.epoch), bool(np.isnan(history.history["loss"][0])), out.getvalue()]


@program
def csv_logger(tf, folder):
    path = folder / "log.csv"
    model = classifier(tf)
    for append in (False, True):
        logger = tf.keras.callbacks.CSVLogger(str(path), separator=";", append=append)
        model.fit(X, Y, epochs=2, validation_data=(VX, VY), callbacks=[logger], **QUIET)
    # Digits beyond the sixth are the machine's.
    return re.sub(r"(\d\.\d{5})\d+", r"\1", path.read_text())


@program
def moving_average_swapped_in(tf, folder):
    model = classifier(tf, optimizer=tf.keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    history = model.fit(
        X,
        Y,
        epochs=2,
        batch_size=16,
        validation_data=(VX, VY),
        callbacks=[tf.keras.callbacks.SwapEMAWeights()],
        **QUIET,
    )
    return [history.history, model.get_weights()[0]]


@program
def moving_average_at_the_end(tf, folder):
    model = classifier(tf, optimizer=tf.keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5))
    model.fit(X, Y, epochs=2, batch_size=16, **QUIET)
    return model.get_weights()[0]


@program
def errors(tf, folder):
    model = classifier(tf)
    bare = tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(3)])
    two = two_headed(tf, loss=BOTH)
    cases = {
        "not compiled": lambda: bare.fit(X, Y, verbose=0),
        "not compiled, evaluate": lambda: bare.evaluate(X, Y, verbose=0),
        "unknown loss": lambda: (bare.compile("sgd", "nonsense"), bare.fit(X, Y, verbose=0)),
        "unknown metric": lambda: (bare.compile("sgd", "mse", metrics=["nonsense"]), bare.fit(X, Y, verbose=0)),
        "unknown optimizer": lambda: bare.compile("nonsense", "mse"),
        "metrics not a list": lambda: bare.compile("sgd", "mse", metrics="mae"),
        "numbers of samples": lambda: model.fit(X, Y[:40], verbose=0),
        "no samples": lambda: model.fit(X[:0], Y[:0], verbose=0),
        "width of inputs": lambda: model.fit(X[:, :3], Y, verbose=0),
        "number of inputs": lambda: model.fit([X, X], Y, verbose=0),
        "class out of range": lambda: model.fit(X, Y + 2, verbose=0),
        "class and sample weights": lambda: model.train_on_batch(X, Y, sample_weight=np.ones(50), class_weight={0: 1.0}),
        "split of too few": lambda: model.fit(X[:1], Y[:1], validation_split=0.5, verbose=0),
        "split of a dataset": lambda: model.fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(5), validation_split=0.5, verbose=0),
        "targets with a dataset": lambda: model.fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(5), Y, verbose=0),
        "losses for outputs": lambda: two_headed(tf, loss=["mse", "mse", "mse"]).fit(X, [A, Y], verbose=0),
        "names of losses": lambda: two_headed(tf, loss={"a": "mse", "z": "mse"}).fit(X, [A, Y], verbose=0),
        "number of targets": lambda: two.fit(X, [A], verbose=0),
        "shapes of targets": lambda: classifier(tf, loss="categorical_crossentropy").fit(X, np.ones((50, 5)), verbose=0),
        "unknown argument": lambda: model.evaluate(X, Y, verbose=0, nonsense=1),
        "empty generator": lambda: model.fit(iter(()), verbose=0),
        "unknown optimizer argument": lambda: tf.keras.optimizers.SGD(nonsense=1),
        "checkpoint ending": lambda: tf.keras.callbacks.ModelCheckpoint("file"),
    }  # fmt: skip
    return {name: error_of(case) for name, case in cases.items()}


@program
def exhausted_generator(tf, folder):
    def generate():
        for i in range(0, 48, 16):
            yield X[i : i + 16], Y[i : i + 16]

    history = classifier(tf).fit(generate(), steps_per_epoch=2, epochs=2, **QUIET)
    return history.history
