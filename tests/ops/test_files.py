"""Reading and writing files, and what is refused in them."""

import gzip
import os

import numpy as np
import pytest

import duoflow as tf


def test_files_are_written_and_read(tmp_path):
    path = str(tmp_path / "new" / "folder" / "file")
    tf.io.write_file(path, b"\x00\xffabc")
    assert tf.io.read_file(path).numpy() == b"\x00\xffabc"
    tf.io.write_file(path, "again")
    assert tf.io.read_file(tf.constant(path)).numpy() == b"again"


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(tf.errors.NotFoundError, match="No such file"):
        tf.io.read_file(str(tmp_path / "nothing"))
    with pytest.raises(tf.errors.FailedPreconditionError):
        tf.io.read_file(str(tmp_path))


def test_in_a_function_files_are_read_each_time(tmp_path):
    path = str(tmp_path / "file")
    read = tf.function(lambda: tf.io.read_file(path))
    for content in (b"one", b"two"):
        with open(path, "wb") as file:
            file.write(content)
        assert read().numpy() == content


def test_files_by_pattern(tmp_path):
    for name in ("b.txt", "a.txt", "c.png"):
        (tmp_path / name).write_text("")
    found = tf.io.matching_files(str(tmp_path / "*.txt"))
    assert [os.path.basename(name) for name in found.numpy()] == [b"a.txt", b"b.txt"]
    both = tf.io.matching_files([str(tmp_path / "*.txt"), str(tmp_path / "*")])
    assert both.shape == (3,)
    assert tf.io.matching_files(str(tmp_path / "*.gif")).shape == (0,)


def test_numbers_of_bytes_that_do_not_fit():
    with pytest.raises(tf.errors.InvalidArgumentError, match="all be the same size"):
        tf.io.decode_raw(["ab", "abc"], tf.uint8)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a multiple of 2"):
        tf.io.decode_raw("abc", tf.int16)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a multiple"):
        tf.io.decode_raw("abc", tf.int16, fixed_length=3)
    assert tf.io.decode_raw("\x01", tf.bool).numpy().tolist() == [True]


def test_damaged_strings():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid character"):
        tf.io.decode_base64("a*b")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not ZLIB, or it is damaged"):
        tf.io.decode_compressed("abc", "ZLIB")
    with pytest.raises(tf.errors.InvalidArgumentError, match="cut off"):
        tf.io.decode_compressed(gzip.compress(b"abc" * 100)[:-9], "GZIP")
    with pytest.raises(ValueError, match="Only ZLIB, GZIP or NONE"):
        tf.io.decode_compressed("abc", "BZ2")


def test_sound():
    wave = np.sin(np.arange(100) / 5).astype(np.float32)[:, None]
    data = tf.audio.encode_wav(wave, 16000)
    read, rate = tf.audio.decode_wav(data)
    np.testing.assert_allclose(read, wave, atol=1e-4)
    assert int(rate) == 16000 and data.numpy()[:4] == b"RIFF"
    assert tf.audio.decode_wav(data, desired_channels=2, desired_samples=120)[0].shape == (120, 2)
    for damaged in (b"", b"RIFF", data.numpy()[:30]):
        with pytest.raises(tf.errors.InvalidArgumentError, match="no WAV file"):
            tf.audio.decode_wav(damaged)
