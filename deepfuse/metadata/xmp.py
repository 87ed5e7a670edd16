"""XMP: what people wrote about a photo, without what programs noted of its pixels."""

from __future__ import annotations

import io
from xml.etree import ElementTree

LARGEST = 40_000  # bytes; a JPEG segment holds 65,502
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_META = "{adobe:ns:meta/}xmpmeta"
_NAMES = {
    "x": "adobe:ns:meta/",
    "rdf": _RDF[1:-1],
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_DROPPED = {
    *(f"{{{_NAMES['photoshop']}}}{name}" for name in ("ICCProfile", "ColorMode", "SidecarForExtension", "History")),
    *(f"{{{_NAMES['xmp']}}}{name}" for name in ("CreatorTool", "ModifyDate", "MetadataDate", "Thumbnails")),
    f"{{{_NAMES['dc']}}}format",
}


def kept_xmp(packet: bytes) -> bytes:
    """What stays true of a picture fused from a photo: title, keywords, rating, rights, place.

    Camera, exposure, orientation and settings of RAW developers go.

    Args:
        packet: as it lies in the file, with what pads it.

    Returns:
        A packet of its own; empty where nothing stays.

    Raises:
        ValueError: it is too long.
        SyntaxError: it is no XML.
    """
    packet = packet.strip(b"\0 \n")
    return _kept(packet) if packet else b""


def _kept(packet: bytes) -> bytes:
    if len(packet) > LARGEST:
        raise ValueError(f"expected at most {LARGEST} bytes, got {len(packet)}")
    root = ElementTree.parse(io.BytesIO(packet)).getroot()
    source = root if root.tag == f"{_RDF}RDF" else root.find(f"{_RDF}RDF")
    kept = ElementTree.Element(f"{_RDF}Description", {f"{_RDF}about": ""})
    for description in [] if source is None else source.findall(f"{_RDF}Description"):
        kept.attrib.update({name: value for name, value in description.attrib.items() if _stays(name)})
        kept.extend(child for child in description if _stays(child.tag))
    if len(kept) == 0 and len(kept.attrib) == 1:
        return b""
    meta = ElementTree.Element(_META)
    ElementTree.SubElement(meta, f"{_RDF}RDF").append(kept)
    for prefix, name in _NAMES.items():
        ElementTree.register_namespace(prefix, name)
    body = ElementTree.tostring(meta, encoding="unicode").encode()
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>' + body + b'<?xpacket end="w"?>'


def _stays(name: str) -> bool:
    space = name[1:].partition("}")[0]
    return space in _NAMES.values() and not name.startswith(_RDF) and name not in _DROPPED
