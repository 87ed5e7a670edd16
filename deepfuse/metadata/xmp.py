"""XMP: what people wrote about a photo, without what programs noted of its pixels."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from deepfuse.metadata.xmp_names import AREAS, KEPT, NAMES, PASSED_OVER, PASSED_OVER_NAMES, RDF, SIZES, qualified

MOST_READ = 1 << 21  # bytes of a packet
DEEPEST = 100
_RDF = f"{{{RDF}}}"
_META = "{adobe:ns:meta/}xmpmeta"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_HEAD, _TAIL = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>', b'<?xpacket end="w"?>'


@dataclass(frozen=True)
class KeptXmp:
    """A packet to be written, empty where nothing stays, and what is lost that people may miss, by its names."""

    packet: bytes = b""
    lost: tuple[str, ...] = ()


class _Builder(ElementTree.TreeBuilder):
    depth = 0

    def doctype(self, *_: object) -> None:
        """XMP has no document types: they define entities that swell."""
        raise ValueError("expected XMP, got a document type")

    def start(self, *told: Any) -> Element:
        """Elements in elements, no deeper than they can be gone through."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise ValueError(f"expected at most {DEEPEST} elements in each other, got more")
        return super().start(*told)

    def end(self, *told: Any) -> Element:
        self.depth -= 1
        return super().end(*told)


def kept_xmp(
    packets: Sequence[Sequence[Element]], texts: Iterable[tuple[str, str]] = (), *, size: tuple[int, int] | None = None
) -> KeptXmp:
    """What stays true of a picture fused from a photo: title, keywords, rating, rights, place.

    Camera, exposure, orientation and settings of RAW developers go.

    Args:
        packets: the properties of each; what several tell, the first of them tells.
        texts: properties by their names, such as "dc:title", for those that no packet tells.
        size: width and height of the fused picture, if it lies as the photo does: areas of a photo of that size stay.
    """
    found: dict[str, Element] = {}
    for element in chain.from_iterable(packets):
        found.setdefault(element.tag, element)
    for name, text in texts:
        found.setdefault(qualified(name), _text_property(qualified(name), text))
    stays = {tag: element for tag, element in found.items() if _stays(tag)}
    strange = _strange(tag for tag in found if not _stays(tag))
    moved = _areas(stays, size)
    elements = sorted((element for tag, element in stays.items() if tag not in moved), key=_length)
    return KeptXmp(_packet(elements) if elements else b"", (*strange, *_spaces(moved)))


def shortened(packet: bytes, most: int) -> KeptXmp:
    """As much of a packet of ours as so many bytes hold, the longest properties left out."""
    told = (element for element in _properties(packet) if _space(element.tag) != RDF)
    elements, lost = sorted(told, key=_length), tuple[str, ...]()
    while elements and len(packet := _packet(elements)) > most:
        lost = (*lost, elements.pop().tag.partition("}")[2])
    return KeptXmp(packet if elements else b"", lost)


def properties(packet: bytes) -> list[Element]:
    """What a packet says as it lies in a file, with what pads it; properties written as attributes too.

    Raises:
        ValueError: it is too long or deep, or has a document type.
        SyntaxError: it is no XML.
    """
    packet = packet.strip(b"\0 \n")
    if len(packet) > MOST_READ:
        raise ValueError(f"expected at most {MOST_READ} bytes, got {len(packet)}")
    return _properties(packet) if packet else []


def _properties(packet: bytes) -> list[Element]:
    root = ElementTree.parse(io.BytesIO(packet), ElementTree.XMLParser(target=_Builder())).getroot()
    source = root if root.tag == f"{_RDF}RDF" else root.find(f"{_RDF}RDF")
    found = []
    for description in [] if source is None else source.findall(f"{_RDF}Description"):
        for name, value in description.attrib.items():
            element = Element(name)
            element.text = value
            found.append(element)
        found.extend(description)
    return found


def _text_property(name: str, text: str) -> Element:
    """A property of one text, as XMP writes titles and authors (part 1, 8.2.2.4)."""
    element = Element(name)
    people = name.endswith("}creator")
    item = ElementTree.SubElement(ElementTree.SubElement(element, f"{_RDF}{'Seq' if people else 'Alt'}"), f"{_RDF}li")
    item.text = "".join(letter if letter.isprintable() or letter in "\n\t" else " " for letter in text)
    if not people:
        item.set(_LANGUAGE, "x-default")
    return element


def _areas(found: dict[str, Element], size: tuple[int, int] | None) -> set[str]:
    """The properties that say where in the photo something is, unless the picture is of the size they were made for."""
    areas = {tag for tag in found if _space(tag) in AREAS}
    sizes: list[tuple[str | None, ...]] = []
    for width, height in SIZES:
        told = [[item for tag in areas for item in _values(found[tag], name)] for name in (width, height)]
        sizes += zip(*told, strict=False)
    fits = size is not None and sizes and all(told == tuple(map(str, size)) for told in sizes)
    return set() if fits else areas


def _values(element: Element, name: str) -> list[str | None]:
    """What an element and those in it say under a name, as text or as attribute."""
    found = [item.text for item in element.iter(name)]
    return found + [item.attrib[name] for item in element.iter() if name in item.attrib]


def _length(element: Element) -> int:
    return len(ElementTree.tostring(element))


def _packet(elements: list[Element]) -> bytes:
    meta = Element(_META)
    description = ElementTree.SubElement(ElementTree.SubElement(meta, f"{_RDF}RDF"), f"{_RDF}Description")
    description.set(f"{_RDF}about", "")
    description.extend(elements)
    for prefix, name in NAMES.items():
        ElementTree.register_namespace(prefix, name)
    return _HEAD + ElementTree.tostring(meta, encoding="unicode").encode() + _TAIL


def _space(tag: str) -> str:
    return tag[1:].partition("}")[0]


def _spaces(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({_space(tag) for tag in tags}))


def _stays(tag: str) -> bool:
    if _space(tag) == NAMES["exif"]:
        return tag.startswith(qualified("exif:GPS")) or tag == qualified("exif:UserComment")
    return _space(tag) in KEPT and tag not in PASSED_OVER_NAMES


def _strange(tags: Iterable[str]) -> tuple[str, ...]:
    """The name spaces of what is neither kept nor known to hold no longer."""
    known = (*PASSED_OVER, *KEPT, RDF, "http://www.w3.org/")
    return tuple(space for space in _spaces(tags) if space and not space.startswith(known))
