"""What of XMP stays true of a fused picture, and what is said of the rest."""

from __future__ import annotations

import time
from xml.etree.ElementTree import Element

import pytest

from deepfuse.metadata.fitting import LARGEST_XMP
from deepfuse.metadata.xmp import KeptXmp, kept_xmp, properties, shortened
from deepfuse.metadata.xmp_names import NAMES, RDF

SPACES = {
    **NAMES,
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "darktable": "http://darktable.sf.net/",
    "mine": "http://example.org/mine/",
}


def packet(attributes: str = "", body: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in SPACES.items())
    description = f'<rdf:Description rdf:about="" {attributes}>{body}</rdf:Description>'
    whole = f"<x:xmpmeta {spaces}><rdf:RDF>{description}</rdf:RDF></x:xmpmeta>"
    return f"<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>\n{whole}\n<?xpacket end='w'?>".encode() + bytes(
        99
    )


def properties_of(attributes: str = "", body: str = "") -> list[Element]:
    return properties(packet(attributes, body))


def bag(*words: str) -> str:
    return "<dc:subject><rdf:Bag>" + "".join(f"<rdf:li>{word}</rdf:li>" for word in words) + "</rdf:Bag></dc:subject>"


def test_what_people_wrote_stays_and_what_programs_noted_goes() -> None:
    told = 'xmp:Rating="4" crs:Contrast="9" tiff:Orientation="6" xmpMM:DocumentID="x" xmp:CreatorTool="E" dc:format="t"'
    kept = kept_xmp(
        [properties_of(f'{told} darktable:history="[]" exif:GPSLatitude="47,30N" exif:FNumber="8"', bag("pier"))]
    )
    text = kept.packet.decode()
    for stays in ("Rating>4<", "GPSLatitude>47,30N<", ">pier<"):
        assert stays in text
    for gone in ("crs", "Orientation", "DocumentID", "CreatorTool", "format", "darktable", "FNumber"):
        assert gone not in text
    assert kept.lost == ()


@pytest.mark.parametrize("prefix", ["MicrosoftPhoto", "MSPhoto", "lr", "digiKam", "plus", "cc", "Iptc4xmpExt"])
def test_what_other_programs_say_of_the_scene_stays_by_its_own_name(prefix: str) -> None:
    kept = kept_xmp([properties_of(f'{prefix}:Said="of the scene"')])
    assert kept.lost == ()
    assert [element.tag for element in properties(kept.packet)] == [
        f"{{{RDF}}}about", f"{{{NAMES[prefix]}}}Said",
    ]  # fmt: skip


def test_what_is_not_known_is_named() -> None:
    assert kept_xmp([properties_of('mine:Mood="calm" dc:source="s"')]).lost == ("http://example.org/mine/",)
    assert kept_xmp([properties_of('mine:Mood="calm"')]).packet == b""


def test_a_long_history_costs_nothing_else() -> None:
    history = "<xmpMM:History>" + "<rdf:li>saved</rdf:li>" * 60_000 + "</xmpMM:History>"
    kept = kept_xmp([properties_of('xmp:Rating="5"', history + bag("castle"))])
    assert kept.lost == ()
    assert b"Rating>5<" in kept.packet
    assert b">castle<" in kept.packet


def test_what_does_not_fit_is_left_out_and_named() -> None:
    kept = kept_xmp([properties_of('xmp:Rating="5"', bag(*map(str, range(9000))))])
    assert kept.lost == ()
    short = shortened(kept.packet, LARGEST_XMP)
    assert short.lost == ("subject",)
    assert b"Rating>5<" in short.packet
    assert len(short.packet) <= LARGEST_XMP < len(kept.packet)
    assert shortened(kept.packet, len(kept.packet)) == kept


def test_the_first_that_tells_counts_and_texts_come_last() -> None:
    texts = [("dc:title", "from a text"), ("dc:creator", "Ann")]
    kept = kept_xmp(
        [properties_of('xmp:Rating="1"'), properties_of('xmp:Rating="2" dc:title="t" xmp:Label="Red"')], texts
    ).packet
    assert [word in kept for word in (b"Rating>1<", b"Rating>2<", b"from a text", b">Ann<", b">Red<")] == [
        True, False, False, True, True,
    ]  # fmt: skip


PANORAMA = (
    'GPano:ProjectionType="equirectangular" GPano:CroppedAreaImageWidthPixels="30" GPano:FullPanoWidthPixels="60"'
)
FACES = """<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="30" stDim:h="20"/>
<mwg-rs:RegionList><rdf:Bag><rdf:li mwg-rs:Name="Ann"/></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>"""


@pytest.mark.parametrize(("size", "stays"), [((30, 20), True), ((28, 20), False), (None, False)])
@pytest.mark.parametrize(
    ("told", "space"),
    [((PANORAMA + ' GPano:CroppedAreaImageHeightPixels="20"', ""), "GPano"), (("", FACES), "mwg-rs")],
)
def test_places_in_the_photo_stay_in_a_picture_of_its_size(
    told: tuple[str, str], space: str, size: tuple[int, int] | None, stays: bool
) -> None:
    kept = kept_xmp([properties_of(*told)], size=size)
    assert (b"ProjectionType" in kept.packet or b"Ann" in kept.packet) == stays
    assert kept.lost == (() if stays else (NAMES[space],))


def test_entities_and_endless_packets_are_refused_at_once() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    swelling = f'<!DOCTYPE x [<!ENTITY l0 "ha">{lol}]><rdf:RDF xmlns:rdf="{RDF}">&l8;</rdf:RDF>'.encode()
    begin = time.process_time()
    for refused in (swelling, b"<" * (1 << 22), b"<a>" * 200_000):
        with pytest.raises(ValueError, match="expected"):
            properties(refused)
    for refused in (b"<a", b"\xff\xfe<"):
        with pytest.raises(SyntaxError):
            properties(refused)
    assert time.process_time() - begin < 5
    assert [properties(nothing) for nothing in (b"", b"\0 \n", b"<a/>")] == [[], [], []]
    assert kept_xmp([]) == KeptXmp()
