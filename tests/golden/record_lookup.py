"""Records what TensorFlow's lookup tables give, or which errors they raise, in lookup.json beside this file.

python -m tests.golden.record_lookup      # with an interpreter that has TensorFlow 2.21
"""

import json
import sys
import tempfile
from pathlib import Path

FILES = {
    "words.txt": "emerson\nlake\npalmer\n",
    "columns.txt": "emerson 10 1.5\nlake 20 2.5\npalmer 30 -3\n",
    "gap.txt": "a\nb\n\nc\n",
    "twice.txt": "a\nb\na\n",
    "returns.txt": "a\r\nb\r\nc",
}
WORDS = "tf.constant([['emerson', 'lake'], ['king', '']])"
STRINGS, NUMBER, LINE = "tf.string", "I.LINE_NUMBER", "I.WHOLE_LINE"
IDS = f"T('words.txt', tf.string, {LINE}, tf.int64, {NUMBER})"

EXPRESSIONS = [
    f"table().lookup({WORDS})",
    f"table()[{WORDS}]",
    "table().size()",
    "table().default_value",
    "sorted(table().export()[0].numpy().tolist())",
    "table().lookup(tf.constant([1]))",
    "table(default='x')",
    "table(default=1.5)",
    "table(default=[1, 2])",
    "table(keys=['a', 'a'])",
    "table(keys=['a', 'a'], values=[1, 1]).size()",
    "table(keys=['a', 'b', 'c'])",
    "table(values=[1.5, 2.5], default=0.0).lookup(tf.constant('lake'))",
    "table(values=['x', 'y'], default='?').lookup(tf.constant(['lake', 'z']))",
    "table(values=[True, False], default=True).lookup(tf.constant(['lake', 'z']))",
    "table(keys=[1, 2], values=['a', 'b'], default='?').lookup(tf.constant([2, 7]))",
    "table(keys=tf.constant([1, 2], tf.int64), values=['a', 'b'], default='?').lookup(tf.constant([2, 7]))",
    "K(['a'], [1]).value_dtype.name",
    "K([1], ['a'], key_dtype=tf.int64).key_dtype.name",
    *[f"vocabulary({n}).lookup(tf.constant(['lake', 'palmer', 'king', 'crimson', '', 'h\\u00e9']))" for n in (1, 2, 7)],
    "vocabulary(4).size()",
    "vocabulary(0)",
    "vocabulary(2).lookup(tf.constant([1]))",
    "vocabulary(2, values=[0, 1])",
    "L.StaticVocabularyTable(None, 5).lookup(tf.constant(['a', 'b', 'king']))",
    "L.StaticVocabularyTable(None, 5).size()",
    "L.StaticVocabularyTable(None, 0)",
    "vocabulary(3, keys=tf.constant([10, 20], tf.int64)).lookup(tf.constant([10, 20, 30, 31, -5], tf.int64))",
    "vocabulary(3, keys=tf.constant([10, 20], tf.int64), lookup_key_dtype=tf.int32).lookup(tf.constant([10, 20, 30]))",
    "vocabulary(3, lookup_key_dtype=tf.int64)",
    f"filled({IDS}).lookup({WORDS})",
    "filled(T('columns.txt', tf.string, 0, tf.int64, 1, delimiter=' ')).lookup(tf.constant(['lake', 'x']))",
    "filled(T('columns.txt', tf.string, 0, tf.float32, 2, delimiter=' ', name='f'), -1.0).lookup(tf.constant('palmer'))",
    f"filled(T('words.txt', tf.int64, {NUMBER}, tf.string, {LINE}), '?').lookup(tf.constant([0, 2, 9], tf.int64))",
    f"filled(T('words.txt', tf.string, {LINE}, tf.int64, {NUMBER}, value_index_offset=5)).lookup(tf.constant('lake'))",
    f"filled(T('words.txt', tf.string, {LINE}, tf.int64, {NUMBER}, vocab_size=2)).size()",
    f"filled(T('words.txt', tf.string, {LINE}, tf.int64, {NUMBER}, vocab_size=4))",
    f"filled(T('returns.txt', tf.string, {LINE}, tf.int64, {NUMBER})).lookup(tf.constant(['a', 'b', 'c']))",
    f"filled(T('gap.txt', tf.string, {LINE}, tf.int64, {NUMBER}))",
    f"filled(T('twice.txt', tf.string, {LINE}, tf.int64, {NUMBER}))",
    f"filled(T('none.txt', tf.string, {LINE}, tf.int64, {NUMBER}))",
    "filled(T('columns.txt', tf.string, 0, tf.int64, 3, delimiter=' '))",
    "filled(T('columns.txt', tf.string, 1, tf.int64, 0, delimiter=' '))",
    f"T('words.txt', tf.string, {NUMBER}, tf.int64, {NUMBER})",
    f"T('words.txt', tf.float32, {LINE}, tf.int64, {NUMBER})",
    f"T('words.txt', tf.string, {LINE}, tf.string, {NUMBER})",
    "T('words.txt', tf.string, -3, tf.int64, 1)",
    "T('words.txt', tf.string, 0, tf.int64, -3)",
    "T('words.txt', tf.string, 0, tf.int64, 1, vocab_size=0)",
    "L.TextFileInitializer('', tf.string, 0, tf.int64, 1)",
    "mutable().lookup(tf.constant([['a', 'z']]))",
    "mutable().size()",
    "mutable().lookup(tf.constant(['a', 'z', 'y']), dynamic_default_values=tf.constant([7, 8, 9], tf.int64))",
    "after(mutable(), lambda m: m.remove(tf.constant(['a', 'q']))).size()",
    "after(mutable(), lambda m: m.insert(['b', 'c'], [5, 6])).lookup(tf.constant(['a', 'b', 'c']))",
    "mutable().insert(tf.constant([1]), tf.constant([1], tf.int64))",
    "mutable().insert(tf.constant(['a']), tf.constant([1.0]))",
    "mutable().insert(tf.constant(['a', 'b']), tf.constant([1], tf.int64))",
    "mutable().lookup(tf.constant([1]))",
    "mutable().remove(tf.constant([1]))",
    "vectors().lookup(tf.constant([['a'], ['z']]))",
    "vectors().insert(tf.constant(['a']), tf.constant([5.0, 6.0]))",
    "dense().lookup(tf.constant([1, 5], tf.int64))",
    "after(dense(), lambda d: d.erase(tf.constant([1], tf.int64))).size()",
    "after(dense(), lambda d: d.insert_or_assign([2, 3], [5, 6])).lookup([1, 2, 3])",
    "dense().insert(tf.constant([0], tf.int64), tf.constant([10], tf.int64))",
    "dense().lookup(tf.constant([-2], tf.int64))",
    "dense().lookup(tf.constant(['a']))",
    "dense(deleted_key=0)",
    "dense(initial_num_buckets=3)",
    "pairs().lookup(tf.constant([[1, 2], [3, 3]], tf.int64))",
    "pairs().size()",
]  # fmt: skip


def names(tf, folder):
    """What the expressions are made of."""
    look = tf.lookup
    pair = look.KeyValueTensorInitializer

    def after(table, change):
        change(table)
        return table

    def mutable():
        table = look.experimental.MutableHashTable(tf.string, tf.int64, -1)
        return after(table, lambda t: t.insert(tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)))

    def vectors():
        table = look.experimental.MutableHashTable(tf.string, tf.float32, [0.0, 1.0])
        return after(table, lambda t: t.insert(tf.constant(["a"]), tf.constant([[5.0, 6.0]])))

    def dense(**options):
        options = {"empty_key": 0, "deleted_key": -2, **options}
        table = look.experimental.DenseHashTable(tf.int64, tf.int64, -1, **options)
        return after(table, lambda t: t.insert(tf.constant([1, 2], tf.int64), tf.constant([10, 20], tf.int64)))

    def pairs():
        table = look.experimental.DenseHashTable(tf.int64, tf.int64, -1, empty_key=[0, 0], deleted_key=[-1, -1])
        return after(table, lambda t: t.insert(tf.constant([[1, 2], [3, 4]], tf.int64), tf.constant([5, 6], tf.int64)))

    def vocabulary(count, keys=("lake", "palmer"), values=None, **options):
        ids = tf.constant([0, 1], tf.int64) if values is None else values
        return look.StaticVocabularyTable(pair(keys if hasattr(keys, "dtype") else list(keys), ids), count, **options)

    return {
        "tf": tf,
        "L": look,
        "I": look.TextFileIndex,
        "K": pair,
        "T": lambda name, *args, **options: look.TextFileInitializer(str(Path(folder) / name), *args, **options),
        "table": lambda keys=("emerson", "lake"), values=(7, 8), default=-1: look.StaticHashTable(
            pair(keys if hasattr(keys, "dtype") else list(keys), list(values)), default
        ),
        "filled": lambda initializer, default=-1: look.StaticHashTable(initializer, default),
        "vocabulary": vocabulary,
        "mutable": mutable,
        "vectors": vectors,
        "dense": dense,
        "pairs": pairs,
        "after": after,
    }


def outcome(tf, expression, folder):
    """The value of an expression as JSON has it, or the name of its error."""
    for name, text in FILES.items():
        Path(folder, name).write_bytes(text.encode())
    try:
        value = eval(expression, names(tf, folder))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        return {"error": type(error).__name__}
    if hasattr(value, "numpy"):
        value = value.numpy()
    return _plain(value.tolist() if hasattr(value, "tolist") else value)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, (str, int, float, bool, dict)) else type(value).__name__


def main() -> None:
    """Write lookup.json beside this file."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        values = {}
        for i, expression in enumerate(EXPRESSIONS):
            own = Path(folder, str(i))  # tables of one file's name would be shared
            own.mkdir()
            values[expression] = outcome(tf, expression, own)
    path = Path(__file__).with_name("lookup.json")
    path.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(path, file=sys.stderr)


if __name__ == "__main__":
    main()
