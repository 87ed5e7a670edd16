"""ICC profiles byte by byte, ICC.1:2001-04: kinds that LittleCMS does not write."""

from __future__ import annotations

import struct

import numpy as np

D50 = np.array([0.9642, 1.0, 0.8249])
_D50_NUMBERS = struct.pack(">3i", 63190, 65536, 54061)
_ADOBE_TO_XYZ = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
_GRID = 9


def old_description(name: bytes) -> bytes:
    """A `desc` of version 2, whose letters should be ASCII."""
    return b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(1 + 78)


def profile(tags: dict[bytes, bytes], *, kind: bytes, connection: bytes) -> bytes:
    """A profile of version 2 for RGB."""
    at = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    head = struct.pack(">I4xI4s4s4s", at + len(data), 0x02400000, kind, b"RGB ", connection)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _D50_NUMBERS
    return head.ljust(128, b"\0") + table + data


def of_a_scanner() -> bytes:
    """A table from the values of Adobe RGB to Lab, and no way back."""
    steps = np.linspace(0, 1, _GRID)
    rgb = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    relative = rgb**2.19921875 @ _ADOBE_TO_XYZ.T / D50
    x, y, z = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29).T
    lab = np.stack([(116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256], -1)
    table = lab.clip(0, 65535).round().astype(">u2").tobytes()
    same = struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel().tolist())
    straight = 3 * np.array([0, 65535], ">u2").tobytes()
    lut = b"mft2" + bytes(4) + bytes([3, 3, _GRID, 0]) + same + struct.pack(">HH", 2, 2) + straight + table + straight
    tags = {b"desc": old_description(b"Scanner"), b"wtpt": b"XYZ " + bytes(4) + _D50_NUMBERS, b"A2B0": lut}
    return profile(tags, kind=b"scnr", connection=b"Lab ")


def adobe_named(name: bytes) -> bytes:
    """Matrix and gamma of Adobe RGB, under a name of any bytes."""

    def xyz(values: np.ndarray) -> bytes:
        return b"XYZ " + bytes(4) + struct.pack(">3i", *np.rint(65536 * values).astype(int).tolist())

    gamma = b"curv" + bytes(4) + struct.pack(">IH", 1, 563)
    columns = {letter + b"XYZ": xyz(_ADOBE_TO_XYZ[:, index]) for index, letter in enumerate((b"r", b"g", b"b"))}
    curves = {letter + b"TRC": gamma for letter in (b"r", b"g", b"b")}
    tags = {b"desc": old_description(name), b"wtpt": b"XYZ " + bytes(4) + _D50_NUMBERS, **columns, **curves}
    return profile(tags, kind=b"mntr", connection=b"XYZ ")
