"""Kinds of training data with weights, validation and steps: `histories(keras, tf)` gives the history of each."""

import warnings

import numpy as np

_rng = np.random.default_rng(0)
X = _rng.normal(size=(20, 3)).astype("float32")
Y = (X @ np.array([1.0, 2.0, -1.0])).astype("float32")
CLASSES = (Y > 0).astype("int32")
WEIGHTS = _rng.uniform(0.5, 2, size=20).astype("float32")
HELD_OUT = (X[:7] * 2, Y[:7])
BALANCE = {0: 1.0, 1: 3.0}


def batches(count=None, size=5, *more):
    """A generator of batches, over and over."""
    at = 0
    while count is None or at < count:
        rows = slice(at * size % 20, at * size % 20 + size)
        yield tuple(array[rows] for array in (X, Y, *more))
        at += 1


def cases(keras, tf):
    """Names to the arguments of fit, and of compile where they are others."""

    class Batches(keras.utils.PyDataset):
        def __init__(self, count=4, targets=Y, **kwargs):
            super().__init__(**kwargs)
            self.count, self.targets = count, targets

        def __len__(self):
            return self.count

        def __getitem__(self, i):
            return X[i * 6 : i * 6 + 6], self.targets[i * 6 : i * 6 + 6]

    def data(*arrays, size=6):
        return tf.data.Dataset.from_tensor_slices(arrays).batch(size)

    binary = {"loss": "binary_crossentropy", "metrics": ["accuracy"], "weighted_metrics": ["accuracy"]}
    return {
        "arrays": ((X, Y), {"batch_size": 6}),
        "arrays of other dtypes": ((X.astype("float64"), (Y * 10).astype("int64")), {"batch_size": 6}),
        "tensors": ((tf.constant(X), tf.constant(Y)), {"batch_size": 6}),
        "sample weights": ((X, Y), {"batch_size": 6, "sample_weight": WEIGHTS}, {"weighted_metrics": ["mse"]}),
        "columns of sample weights": ((X, Y), {"sample_weight": WEIGHTS[:, None]}),
        "validation": ((X, Y), {"validation_data": HELD_OUT}),
        "weighted validation": ((X, Y), {"validation_data": (*HELD_OUT, WEIGHTS[:7]), "validation_batch_size": 3}),
        "validation steps": ((X, Y), {"validation_data": HELD_OUT, "validation_batch_size": 3, "validation_steps": 1}),
        "validation of some epochs": ((X, Y), {"epochs": 4, "validation_data": HELD_OUT, "validation_freq": [1, 4]}),
        "validation split": ((X, Y), {"batch_size": 6, "validation_split": 0.3, "sample_weight": WEIGHTS}),
        "class weights": ((X, CLASSES), {"batch_size": 6, "class_weight": BALANCE}, binary),
        "class weights of floats": ((X, np.abs(Y)), {"batch_size": 6, "class_weight": BALANCE}),
        "class weights of columns": ((X, CLASSES[:, None]), {"class_weight": {1: 2.0}, "validation_split": 0.25}, binary),
        "class weights of data sets": ((data(X, CLASSES),), {"class_weight": BALANCE}, binary),
        "class weights of PyDatasets": ((Batches(targets=CLASSES),), {"class_weight": BALANCE}, binary),
        "steps of arrays": ((X, Y), {"batch_size": 5, "steps_per_epoch": 2, "epochs": 3}),
        "too many steps of arrays": ((X, Y), {"batch_size": 5, "steps_per_epoch": 9}),
        "data sets": ((data(X, Y, WEIGHTS),), {"validation_data": data(*HELD_OUT, size=3)}),
        "steps of data sets": ((data(X, Y),), {"steps_per_epoch": 3, "epochs": 3}),
        "endless data sets": ((data(X, Y).repeat(),), {"steps_per_epoch": 3}),
        "endless validation": ((data(X, Y),), {"validation_data": data(*HELD_OUT, size=3).repeat(), "validation_steps": 2}),
        "generators": ((batches(),), {"steps_per_epoch": 4}),
        "weighted generators": ((batches(None, 5, WEIGHTS),), {"steps_per_epoch": 4}),
        "generators that end": ((batches(3),), {"steps_per_epoch": 4}),
        "generators without steps": ((batches(4),), {}),
        "validation by generators": (
            (batches(),), {"steps_per_epoch": 4, "validation_data": batches(), "validation_steps": 2},
        ),
        "generators of other sizes": (
            (((X[:n], Y[:n]) for n in (5, 3, 7, 2)),), {"steps_per_epoch": 2, "validation_data": batches(2)},
        ),
        "PyDatasets": ((Batches(),), {"validation_data": Batches(2)}),
        "PyDatasets with workers": ((Batches(workers=3, max_queue_size=4),), {}),
        "PyDatasets with processes": ((Batches(workers=2, use_multiprocessing=True),), {}),
        "steps of PyDatasets": ((Batches(),), {"steps_per_epoch": 2, "epochs": 3}),
        "later epochs": ((X, Y), {"epochs": 3, "initial_epoch": 1}),
    }  # fmt: skip


def history(keras, case):
    """What training on a case tells, epoch by epoch."""
    arguments, options, *compiled = case
    start = keras.initializers.Constant(0.1)
    activation = "sigmoid" if compiled and compiled[0].get("loss") else None
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, kernel_initializer=start, activation=activation)]
    )
    settings = {"loss": "mse", "metrics": ["mae"], **(compiled[0] if compiled else {})}
    model.compile(keras.optimizers.SGD(0.05), **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = model.fit(*arguments, **{"epochs": 2, "shuffle": False, "verbose": 0, **options}).history
    return {name: [float(f"{value:.6g}") for value in values] for name, values in told.items()}
