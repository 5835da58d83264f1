"""What FeatureSpace is compared on: a table with a column of each kind, and spaces that encode it."""

ROWS = {
    "f": [0.0, 0.1, 0.2, 0.3], "n": [1.0, 2.0, 3.0, 4.0], "r": [1.0, 2.0, 3.0, 4.0], "d": [0.0, 1.0, 2.0, 3.0],
    "s": ["zero", "one", "two", "one"], "i": [0, 1, 2, 2], "ih": [5, 6, 7, 8], "sh": ["a", "b", "c", "d"],
}  # fmt: skip
OTHER = {
    "f": [1.0, 2.0], "n": [0.0, 9.0], "r": [0.0, -1.0], "d": [-5.0, 9.0], "s": ["three", "two"], "i": [7, 1],
    "ih": [0, -1], "sh": ["", "e"],
}  # fmt: skip


def spaces(keras):
    """Spaces by name, not adapted."""
    space = keras.utils.FeatureSpace

    def every_kind(mode):
        features = {
            "f": "float", "n": "float_normalized", "r": space.float_rescaled(2.0, 1.0), "d": space.float_discretized(3),
            "s": "string_categorical", "i": "integer_categorical", "ih": "integer_hashed", "sh": space.string_hashed(4),
        }  # fmt: skip
        crosses = [("s", "i"), space.cross(("i", "ih"), 8)]
        return space(features, mode, crosses, crossing_dim=5, hashing_dim=6, num_discretization_bins=3)

    features = {
        "s": space.string_categorical(max_tokens=3, output_mode="int"), "ih": "integer_hashed",
        "i": space.integer_categorical(num_oov_indices=2), "sh": space.string_hashed(5, output_mode="int"),
        "n": space.feature("float32", keras.layers.Normalization(mean=1.0, variance=4.0), "float"),
        "d": "float_discretized",
    }  # fmt: skip
    crosses = [space.cross(("s", "sh"), 4, "int")]
    return {
        "concat": every_kind("concat"),
        "dict": every_kind("dict"),
        "ints": space(features, "dict", crosses, num_discretization_bins=2),
    }


def encoded(space, rows):
    """What a space makes of rows, by name."""
    out = space({name: rows[name] for name in space.features})
    return out if isinstance(out, dict) else {"": out}
