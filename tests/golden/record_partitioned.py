"""Records a checkpoint of variables in parts, after a step of Adam, in the folder partitioned beside this file.

python -m tests.golden.record_partitioned      # with an interpreter that has TensorFlow 2.21
"""

from pathlib import Path

from tests.compat.partitioned import variables

if __name__ == "__main__":
    import tensorflow.compat.v1 as tf

    tf.disable_v2_behavior()
    folder = Path(__file__).parent / "partitioned"
    folder.mkdir(exist_ok=True)
    *_, step = variables(tf)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
        tf.train.Saver().save(session, str(folder / "m"), write_meta_graph=False, write_state=False)
