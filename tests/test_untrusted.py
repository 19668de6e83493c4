"""Files of strangers: whatever is in them, one message, soon, and little memory."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from selfgrasp.common.untrusted import parse_json, parse_yaml, read_array, read_json, read_text
from selfgrasp.common.untrusted_pictures import open_picture
from selfgrasp.core import InputError

BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(12)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "deep"),
        ("[" * 70 + "]" * 70, "deep"),
        ("9" * 400, "digits"),
        ("9" * 5000, "JSON with a number of more than 40 digits"),
        ("1e999", "inf"),
        ("[NaN]", "nan"),
        ("[" + "1," * 3_000_000 + "1]", "values"),
        ("{", "malformed"),
        (b"\xff", "malformed"),
    ],
)
def test_json_that_is_refused_in_one_line(text, said):
    with pytest.raises(InputError) as caught:
        parse_json(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nan_is_read_where_it_is_asked_for_and_commas_in_text_are_no_values():
    assert str(parse_json("[NaN, -Infinity]", nonfinite=True)) == "[nan, -inf]"
    assert parse_json('{"a": "' + "," * 100 + '"}', most_values=50) == {"a": "," * 100}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "values"),
        ("&a [*a]", "deep"),
        ("[" * 20_000, "deep"),
        ("a: " + "9" * 400, "digits"),
        ("a: " + "9" * 5000, "YAML with a number of more than 40 digits"),
        ("a: .nan", "nan"),
        ("a: !!python/object/apply:os.system ['true']", "malformed"),
        ("a: 2001-99-99", "malformed"),
        ("x" * 300_000, "characters"),
        ("? [a, b]\n: 1", "malformed"),
    ],
)
def test_yaml_that_is_refused_in_one_line(text, said):
    with pytest.raises(InputError) as caught:
        parse_yaml(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_yaml_gives_every_document_and_reads_numbers_as_python_writes_them():
    assert parse_yaml("a: 1e-05\n---\nb: -2E3\n---\n") == [{"a": 1e-05}, {"b": -2000.0}]


def test_only_regular_files_are_read_in_whatever_their_byte_order_mark_says(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero", tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(InputError):
            read_json(type(tmp_path)(path))
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "text.json").write_text('{"é": 1}', encoding=encoding)
        assert read_json(tmp_path / "text.json") == {"é": 1}
    with pytest.raises(InputError, match="more than"):
        read_text(tmp_path / "text.json", most_bytes=3)


def test_an_array_is_what_numpy_reads_and_a_header_that_lies_is_refused(tmp_path):
    path = tmp_path / "a.npy"
    for array in (np.arange(6.0).reshape(2, 3).T, np.zeros((0, 4)), np.array(3, "<u2")):
        np.save(path, array)
        assert np.array_equal(read_array(path), array)
    np.save(path, np.zeros((2, 2)))
    whole = path.read_bytes()
    for bad in (
        whole.replace(b"(2, 2)", b"(9**9)"),
        whole.replace(b"(2, 2), }" + b" " * 14, b"(1000000000000000, 2), }"),
        whole.replace(b"(2, 2), }", b"(2, 2 ,  "),
        whole[:-1],
        b"PK\x03\x04",
        b"",
    ):
        path.write_bytes(bad)
        with pytest.raises(InputError):
            read_array(path)
    np.save(path, np.array([{}], dtype=object))
    with pytest.raises(InputError, match="objects"):
        read_array(path)


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(60_000, 60_000), (12_000, 8_000), (2**31 - 1, 1)])
def test_the_size_in_a_header_is_judged_before_decoding(tmp_path, size):
    (tmp_path / "huge.png").write_bytes(_png(*size))
    with pytest.raises(InputError, match="pixels"):
        open_picture(tmp_path / "huge.png", flags=cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("flags", [cv2.IMREAD_COLOR_RGB, cv2.IMREAD_UNCHANGED])
def test_exif_turns_no_picture(tmp_path, kind, flags):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:20, :30] = 255
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(pixels).save(tmp_path / "turned", kind, exif=exif)
    read = open_picture(tmp_path / "turned", flags=flags)
    assert read.shape == (40, 60, 3)
    assert read[5, 5, 0] > 200 > 100 > read[30, 5, 0]


def test_depth_in_a_16_bit_tiff_is_read_and_what_is_no_picture_is_named(tmp_path):
    depth = np.arange(6, dtype=np.uint16).reshape(2, 3) * 9000
    cv2.imwrite(str(tmp_path / "d.tiff"), depth)
    assert np.array_equal(open_picture(tmp_path / "d.tiff", flags=cv2.IMREAD_UNCHANGED), depth)
    for data, said in ((b"\x76\x2f\x31\x01rest", "OpenEXR"), (b"II*\0\xff\xff", "decode")):
        (tmp_path / "bad").write_bytes(data)
        with pytest.raises(InputError, match=said):
            open_picture(tmp_path / "bad", flags=cv2.IMREAD_UNCHANGED)
    whole = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(whole, "PNG")
    (tmp_path / "bad").write_bytes(whole.getvalue()[:40])
    with pytest.raises(InputError, match="decode"):
        open_picture(tmp_path / "bad", flags=cv2.IMREAD_UNCHANGED)


def test_a_small_file_takes_little_memory(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    tracemalloc.start()
    try:
        assert read_json(tmp_path / "a.json") == {}
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2e6
