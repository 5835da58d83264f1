"""Python to graphs: tf.function, trace types, v1 sessions, AutoGraph."""
