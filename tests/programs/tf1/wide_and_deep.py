"""Wide and deep: who earns more, from what a census asks, with canned estimators over feature columns."""

import tempfile

import numpy as np
import tensorflow as tf

tf.logging.set_verbosity(tf.logging.ERROR)
rng = np.random.RandomState(3)
EDUCATION = ["school", "college", "masters", "doctorate"]
JOBS = ["clerk", "engineer", "farmer", "teacher", "manager"]
COUNT = 600


def people(count):
    education, job = rng.randint(0, 4, count), rng.randint(0, 5, count)
    age, hours = rng.randint(18, 70, count), rng.randint(10, 60, count)
    score = 0.05 * (hours - 35) + 0.6 * (education - 1) + 1.5 * ((job == 1) & (education > 1)) - 0.002 * (age - 48) ** 2
    features = {
        "age": age.astype("float32"), "hours": hours.astype("float32"),
        "education": np.array(EDUCATION)[education], "job": np.array(JOBS)[job],
    }  # fmt: skip
    return features, (score + 0.3 * rng.randn(count) > 0).astype("int32")


train_features, train_labels = people(COUNT)
test_features, test_labels = people(200)

age = tf.feature_column.numeric_column("age", normalizer_fn=lambda x: (x - 44.0) / 15.0)
years = tf.feature_column.bucketized_column(tf.feature_column.numeric_column("age"), [25, 35, 45, 55, 65])
hours = tf.feature_column.numeric_column("hours", normalizer_fn=lambda x: (x - 35.0) / 14.0)
education = tf.feature_column.categorical_column_with_vocabulary_list("education", EDUCATION)
job = tf.feature_column.categorical_column_with_hash_bucket("job", hash_bucket_size=50)
both = tf.feature_column.crossed_column(["education", "job"], hash_bucket_size=100)
wide = [years, education, job, both]
deep = [age, hours, tf.feature_column.indicator_column(education), tf.feature_column.embedding_column(job, 4)]


def input_fn(features, labels, epochs):
    return tf.estimator.inputs.numpy_input_fn(features, labels, 100, epochs, shuffle=epochs is None)


folder = tempfile.mkdtemp()
model = tf.estimator.DNNLinearCombinedClassifier(
    model_dir=folder,
    linear_feature_columns=wide,
    linear_optimizer=tf.train.FtrlOptimizer(0.1, l1_regularization_strength=0.001),
    dnn_feature_columns=deep,
    dnn_hidden_units=[16, 8],
    dnn_optimizer=tf.train.AdagradOptimizer(0.1),
    loss_reduction=tf.losses.Reduction.MEAN,
    config=tf.estimator.RunConfig(tf_random_seed=1, save_checkpoints_steps=50),
)
train_spec = tf.estimator.TrainSpec(input_fn(train_features, train_labels, None), max_steps=100)
eval_spec = tf.estimator.EvalSpec(input_fn(test_features, test_labels, 1), steps=None, name="test")
metrics, _ = tf.estimator.train_and_evaluate(model, train_spec, eval_spec)
print(sorted(metrics))
print("step", metrics["global_step"], "better than chance:", metrics["accuracy"] > metrics["accuracy_baseline"] + 0.1)
print("good:", metrics["accuracy"] > 0.8, metrics["auc"] > 0.88)

predictions = list(model.predict(input_fn(test_features, None, 1)))
classes = np.array([p["class_ids"][0] for p in predictions])
print(len(predictions), sorted(predictions[0]))
print("same:", abs((classes == test_labels).mean() - metrics["accuracy"]) < 1e-6)
names = [name for name in model.get_variable_names() if "Ftrl" not in name and "Adagrad" not in name]
print("\n".join(names))

spec = tf.feature_column.make_parse_example_spec(wide + deep)
print(sorted(spec), spec["hours"].shape, spec["job"].dtype)
print("baseline:", end=" ")
baseline = tf.estimator.BaselineClassifier(loss_reduction=tf.losses.Reduction.MEAN)
baseline.train(input_fn(train_features, train_labels, None), steps=50)
chance = baseline.evaluate(input_fn(test_features, test_labels, 1))
print(chance["accuracy"] < metrics["accuracy"], abs(chance["prediction/mean"] - train_labels.mean()) < 0.05)
