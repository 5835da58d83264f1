"""Modules, layers and models from nothing: variables and submodules found, tf.function methods, checkpoints of them."""

import tempfile

import tensorflow as tf


class SimpleModule(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.a_variable = tf.Variable(5.0, name="train_me")
        self.non_trainable_variable = tf.Variable(5.0, trainable=False, name="do_not_train_me")

    def __call__(self, x):
        return self.a_variable * x + self.non_trainable_variable


simple_module = SimpleModule(name="simple")
print(simple_module(tf.constant(5.0)))
print("trainable variables:", simple_module.trainable_variables)
print("all variables:", simple_module.variables)


class Dense(tf.Module):
    def __init__(self, in_features, out_features, name=None):
        super().__init__(name=name)
        start = tf.reshape(tf.range(float(in_features * out_features)), [in_features, out_features])
        self.w = tf.Variable(start / 4 - 1, name="w")
        self.b = tf.Variable(tf.zeros([out_features]), name="b")

    def __call__(self, x):
        return tf.nn.relu(tf.matmul(x, self.w) + self.b)


class SequentialModule(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.dense_1 = Dense(in_features=3, out_features=3)
        self.dense_2 = Dense(in_features=3, out_features=2)

    @tf.function
    def __call__(self, x):
        return self.dense_2(self.dense_1(x))


my_model = SequentialModule(name="the_model")
print("Model results:", my_model([[2.0, 2.0, 2.0]]), my_model([[[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]]))
print("Submodules:", [(type(m).__name__, m.name) for m in my_model.submodules])
for var in my_model.variables:
    print(var, "\n")


class FlexibleDense(tf.Module):
    def __init__(self, out_features, name=None):
        super().__init__(name=name)
        self.is_built = False
        self.out_features = out_features

    def __call__(self, x):
        if not self.is_built:
            self.w = tf.Variable(tf.ones([x.shape[-1], self.out_features]) / 2, name="w")
            self.b = tf.Variable(tf.zeros([self.out_features]), name="b")
            self.is_built = True
        return tf.nn.relu(tf.matmul(x, self.w) + self.b)


class Stack(tf.Module):
    def __init__(self, name=None):
        super().__init__(name=name)
        self.steps = [FlexibleDense(out_features=3), {"last": FlexibleDense(out_features=2)}]

    @tf.Module.with_name_scope
    def __call__(self, x):
        return self.steps[1]["last"](self.steps[0](x))


stack = Stack(name="my_stack")
print(stack(tf.constant([[2.0, 2.0, 2.0]])))
print([v.name for v in stack.trainable_variables], [v.shape for v in stack.variables], len(stack.submodules))
try:
    tf.Module(name="not a name")
except ValueError as error:
    print(error)

folder = tempfile.mkdtemp()
checkpoint = tf.train.Checkpoint(model=my_model)
path = checkpoint.write(folder + "/my_checkpoint")
print(path == folder + "/my_checkpoint", tf.train.list_variables(path))
new_model = SequentialModule()
new_model.dense_1.w.assign(tf.zeros([3, 3]))
new_checkpoint = tf.train.Checkpoint(model=new_model)
new_checkpoint.restore(folder + "/my_checkpoint")
print(new_model(tf.constant([[2.0, 2.0, 2.0]])))

late = Stack()
saved = tf.train.Checkpoint(stack=stack).save(folder + "/stack")
status = tf.train.Checkpoint(stack=late).restore(tf.train.latest_checkpoint(folder))
late.steps[0].w = tf.Variable(tf.zeros([3, 3]))
print(saved.endswith("stack-1"), late.steps[0].w.numpy().tolist())
reader = tf.train.load_checkpoint(saved)
print(reader.get_variable_to_shape_map()["stack/steps/0/w/.ATTRIBUTES/VARIABLE_VALUE"])
try:
    status.assert_consumed()
except AssertionError as error:
    print(type(error).__name__)
status.expect_partial()
step = tf.Variable(0)
root = tf.train.Checkpoint(step=step, extra=[tf.Variable("text"), {"deep": tf.Variable([True, False])}])
manager = tf.train.CheckpointManager(root, folder + "/managed", max_to_keep=2)
for _ in range(3):
    step.assign_add(5)
    manager.save()
step.assign(0)
root.restore(manager.latest_checkpoint).assert_consumed()
print(step.numpy(), [p[-6:] for p in manager.checkpoints], root.save_counter.numpy())


class MyModel(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.first = tf.keras.layers.Dense(3, kernel_initializer="ones")
        self.second = tf.keras.layers.Dense(2, kernel_initializer="ones")

    def call(self, x):
        return self.second(self.first(x))


keras_model = MyModel()
print(keras_model(tf.constant([[2.0, 2.0, 2.0]])), len(keras_model.variables))
tf.train.Checkpoint(net=keras_model).write(folder + "/keras")
keras_model.first.kernel.assign(tf.ones([3, 3]) * 3)
tf.train.Checkpoint(net=keras_model).read(folder + "/keras").assert_consumed()
print(keras_model(tf.constant([[2.0, 2.0, 2.0]])))
