"""Colour spaces by their names, or by what a file says of primaries and curve."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from deepfuse.photo.profiles import NO_PROFILE, Profile, Space, profile_of, stamped

Curve = NDArray[np.float32] | float
Chromaticities = tuple[float, ...]  # x and y of white, red, green, blue

_D65, _D50 = (0.3127, 0.3290), (0.34567, 0.35850)
_BT709 = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_P3 = (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)  # SMPTE EG 432-1
_BT2020 = (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_ADOBE = (*_D65, 0.640, 0.330, 0.210, 0.710, 0.150, 0.060)  # Adobe RGB (1998), 4.3.1
_ROMM = (*_D50, 0.734699, 0.265301, 0.159597, 0.840403, 0.036598, 0.000105)  # ANSI/I3A IT10.7666
_ADOBE_GAMMA = 563 / 256
_CURVE_POINTS = 4096  # linear between them: errors below a level of 16 bits

# ITU-T H.273, tables 2 and 3; a colour that is not specified is sRGB.
_UNSPECIFIED = 2
_PRIMARIES = {1: _BT709, _UNSPECIFIED: _BT709, 9: _BT2020, 12: _P3}
_TRANSFERS = {
    1: "BT.709", _UNSPECIFIED: "sRGB", 4: "gamma 2.2", 5: "gamma 2.8", 6: "BT.709", 8: "linear", 13: "sRGB",
    14: "BT.709", 15: "BT.709", 16: "PQ", 18: "HLG",
}  # fmt: skip
_GAMMAS = {"gamma 2.2": 2.2, "gamma 2.8": 2.8, "linear": 1.0}


@lru_cache
def named_space(space: Space) -> Profile:
    """A colour space by its name; sRGB needs no profile.

    >>> named_space("p3").name
    'Display P3'
    """
    if space == "srgb":
        return NO_PROFILE
    known: dict[Space, tuple[str, Chromaticities, Curve]] = {
        "p3": ("Display P3", _P3, _curve("sRGB")),
        "adobe-rgb": ("Adobe RGB (1998)", _ADOBE, _ADOBE_GAMMA),
        "prophoto": ("ProPhoto RGB", _ROMM, 1.8),
        "rec2020": ("Rec. 2020", _BT2020, _curve("BT.709")),
    }
    name, colours, curve = known[space]
    return Profile(name, _icc(name, colours, curve), space=space)


def space_of_codes(primaries: int, transfer: int) -> Profile:
    """What PNG's cICP and HEIC's nclx name by the codes of ITU-T H.273.

    BT.709's curve with BT.709's primaries is taken as sRGB: encoders say so of photos that are.

    Raises:
        ValueError: a picture of high dynamic range, or codes that are not known.
    """
    curve = _TRANSFERS.get(transfer)
    if curve in ("PQ", "HLG"):
        raise ValueError(f"expected a picture of standard range, got {curve}")
    if primaries not in _PRIMARIES or curve is None:
        raise ValueError(f"expected a known colour space, got H.273 codes {primaries} and {transfer}")
    colours = _PRIMARIES[primaries]
    if colours == _BT709 and curve in ("sRGB", "BT.709"):
        return NO_PROFILE
    name = {_P3: "Display P3", _BT2020: "Rec. 2020", _BT709: "BT.709"}[colours]
    if (name, curve) in (("Display P3", "sRGB"), ("Rec. 2020", "BT.709")):
        return named_space("p3" if colours == _P3 else "rec2020")
    return _space(f"{name}, {curve}", colours, _GAMMAS.get(curve) or _curve(curve))


@lru_cache(maxsize=64)
def space_of_gamma(gamma: float, colours: Chromaticities | None, *, grey: bool) -> Profile:
    """What PNG's gAMA and cHRM say: encoded values to the power of `gamma` are light; primaries are sRGB's if `None`.

    Raises:
        ValueError: impossible numbers.
    """
    usual = abs(gamma - 2.2) < 0.01
    if not 0.1 < gamma < 10:
        raise ValueError(f"expected a gamma from 0.1 to 10, got {gamma:g}")
    if grey:
        return NO_PROFILE if usual else Profile(f"gamma {gamma:.4g}", _grey_icc(gamma), grey=True)
    if usual and (colours is None or np.abs(np.subtract(colours, _BT709)).max() < 0.002):
        return NO_PROFILE  # what programs write beside sRGB
    if colours and min(colours) <= 0:
        raise ValueError("expected primaries with x and y above 0")
    return _space(f"gamma {gamma:.4g}{', own primaries' if colours else ''}", colours or _BT709, gamma)


def _space(name: str, colours: Chromaticities, curve: Curve) -> Profile:
    return profile_of(_icc(name, colours, curve), grey=False)


def _grey_icc(gamma: float) -> bytes:
    return stamped(bytes(imagecodecs.cms_profile("gray", gamma=gamma)))


def _icc(name: str, colours: Chromaticities, curve: Curve) -> bytes:
    white, primaries = colours[:2], np.reshape(colours[2:], (3, 2))
    wanted: dict[str, Any] = {"gamma": curve} if isinstance(curve, float) else {"transferfunction": curve}
    flat = [value for x, y in primaries.tolist() for value in (x, y, 1.0)]
    return _described(bytes(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=flat, **wanted)), name)


def _curve(name: str) -> NDArray[np.float32]:
    """Light of encoded values from 0 to 1."""
    v = np.linspace(0, 1, _CURVE_POINTS)
    light = {
        "sRGB": np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4),  # IEC 61966-2-1
        "BT.709": np.where(v < 4.5 * 0.018, v / 4.5, ((v + 0.099) / 1.099) ** (1 / 0.45)),  # ITU-R BT.709-6, 1.2
    }[name]
    return light.astype(np.float32)


def _described(icc: bytes, name: str) -> bytes:
    """The same profile under a name of its own, ICC.1:2022, 7.3 and 10.15: LittleCMS calls all of them the same."""
    count = int.from_bytes(icc[128:132], "big")
    entries = [struct.unpack_from(">4sII", icc, 132 + 12 * index) for index in range(count)]
    text = name.encode("utf-16-be")
    words = struct.pack(">4s4xII2s2sII", b"mluc", 1, 12, b"en", b"US", len(text), 28) + text
    table, data, at = struct.pack(">I", count), b"", 132 + 12 * count
    for tag, offset, length in entries:
        value = words if tag == b"desc" else icc[offset : offset + length]
        table += struct.pack(">4sII", tag, at + len(data), len(value))
        data += value + bytes(-len(value) % 4)
    whole = icc[4:128] + table + data
    return stamped(struct.pack(">I", len(whole) + 4) + whole)
