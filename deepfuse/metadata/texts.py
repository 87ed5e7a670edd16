"""Plain texts of a PNG and the comment of a JPEG: which stay true of a fused picture, and what they are in XMP."""

from __future__ import annotations

from collections.abc import Iterable

Texts = tuple[tuple[str, str], ...]

LONGEST_TEXT = 20_000  # letters
COMMENT = "Comment"
# Keywords of PNG, third edition, 11.3.3.1, by the property of XMP that is the same.
_PROPERTIES = {
    "Title": "dc:title", "Author": "dc:creator", "Description": "dc:description", "Copyright": "dc:rights",
    "Disclaimer": "xmpRights:UsageTerms", COMMENT: "exif:UserComment",
}  # fmt: skip
_OF_THE_FILE = ("Software", "Source", "Creation Time", "Warning")
_OF_PROGRAMS = ":"  # ImageMagick's, such as date:create, which repeat what the file says elsewhere


def kept_texts(texts: Texts) -> tuple[Texts, tuple[str, ...]]:
    """The texts that stay, and the keywords of those that are lost.

    >>> kept_texts((("Title", "Old pier"), ("Software", "Editor 1.0"), ("Mood", "calm")))
    ((('Title', 'Old pier'),), ('Mood',))
    """
    kept = tuple((key, text) for key, text in texts if key in _PROPERTIES and len(text) <= LONGEST_TEXT)
    known = {key for key, _ in kept} | {*_OF_THE_FILE}
    return kept, tuple(key for key, _ in texts if key not in known and _OF_PROGRAMS not in key)


def xmp_of_texts(texts: Texts) -> Iterable[tuple[str, str]]:
    """The texts as properties of XMP, by their names."""
    return [(_PROPERTIES[key], text) for key, text in texts]
