"""What is right for each kind of odd file: the size of the picture, whose colour it has, or a word of the refusal."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

PLAIN = (288, 192)


@dataclass(frozen=True)
class Kind:
    """What is right for cases of a name: how they are run, and what comes of it.

    Attributes:
        names: of the cases, as a pattern.
        size: (width, height) of the picture; any if `None`.
        control: the case whose mean colour it has; any if empty.
        refusal: a word of the message, where cases of this kind may be refused; empty where they may not.
        pictures: how many `batch` makes of the folder; 0 runs `fuse`.
        left_out: how many photos are in no set of the batch.
        options: of the command.
    """

    names: str
    size: tuple[int, int] | None = None
    control: str = ""
    refusal: str = ""
    pictures: int = 0
    left_out: int = 0
    options: tuple[str, ...] = ()


KINDS = (  # the first that fits
    Kind("order_*", PLAIN, "order_jfif_exif"),
    Kind("bigtif_o[5-8]*", None, "order_jfif_exif"),
    Kind("bigtif_*", PLAIN, "order_jfif_exif"),
    Kind("png_rawprofile_exif*", PLAIN, "order_jfif_exif"),
    Kind("png_exif_with_Exif00*", PLAIN, "order_jfif_exif"),
    Kind("orient_differs*", None, "order_jfif_exif"),
    Kind("icc_*", PLAIN, "icc_desc_ascii"),
    Kind("white_*", PLAIN, "white_exact"),
    Kind("dng_mono*", PLAIN),
    Kind("sub_mono*", None),
    Kind("card_mixed*", pictures=2),
    Kind("dng_defaultcrop*", PLAIN, "dng_plain"),
    Kind("dng_jxl*", PLAIN, "dng_plain", refusal="JPEG XL"),
    Kind("dng_*", PLAIN),
    Kind("png_cicp_*", PLAIN, "png_bigtext", refusal="range"),
    Kind("png_gama_*", PLAIN, "png_bigtext"),
    Kind("png_chrm_*", PLAIN, "png_bigtext"),
    Kind("heic_bt2020*", PLAIN),
    Kind("tif_thumb_*", (576, 384)),
    Kind("hugin_alpha*"),
    Kind("png_big*", PLAIN, "png_bigtext"),
    Kind("tif_float_1.0*"),  # a little outside of 0 to 1
    Kind("tif_float_*", refusal="0 to 1"),
    Kind("jpg_12bit*", PLAIN, "order_jfif_exif", refusal="12"),
    Kind("jpg_lossless*", PLAIN, "order_jfif_exif", refusal="lossless"),
    Kind("m_*", PLAIN),
    Kind("raw_sidecar*", PLAIN, "dng_plain"),
    Kind("b_*", PLAIN),
    Kind("deg*", refusal="black"),
    Kind("01*", pictures=1, left_out=3),
    Kind("02*", pictures=1),
    Kind("04*", pictures=1),
    Kind("05*", pictures=1),
    Kind("12*", pictures=2),
    Kind("13*", options=("--no-align",)),
    Kind("0*"),
    Kind("1*"),
    Kind("*", refusal="bad"),  # a file made to hang or swell a reader
)


def kind_of(case: str) -> Kind:
    """The kind of a case, by its name."""
    return next(kind for kind in KINDS if fnmatch(case, kind.names))
