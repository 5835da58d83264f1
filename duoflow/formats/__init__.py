"""Files that TensorFlow and its tools share with us, written and read here: records, tables, checkpoints, events.

`wire` are protocol buffers, `messages` those that we use, `records` TFRecord files, `table` sorted string tables,
`bundle` checkpoints, `events` what TensorBoard shows. Nothing here knows of graphs or sessions.
"""
