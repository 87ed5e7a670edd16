"""The names of XMP (specification part 2, and those of the programs that write them): what of them stays true."""

from __future__ import annotations

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "cc": "http://creativecommons.org/ns#",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "MSPhoto": "http://ns.microsoft.com/photo/1.0",  # as ExifTool writes it
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPRI": "http://ns.microsoft.com/photo/1.2/t/RegionInfo#",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "mwg-kw": "http://www.metadataworkinggroup.com/schemas/keywords/",
    "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    "expressionmedia": "http://ns.microsoft.com/expressionmedia/1.0/",
    "acdsee": "http://ns.acdsee.com/iptc/1.0/",
    "photomechanic": "http://ns.camerabits.com/photomechanic/1.0/",
    "ics": "http://ns.idimager.com/ics/1.0/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
}


def qualified(name: str) -> str:
    """A name with its prefix, as ElementTree writes it.

    >>> qualified("dc:title")
    '{http://purl.org/dc/elements/1.1/}title'
    """
    prefix, _, local = name.partition(":")
    return f"{{{NAMES[prefix]}}}{local}"


AREAS = frozenset(NAMES[prefix] for prefix in ("GPano", "mwg-rs", "MP"))  # where in the photo something is
KEPT = frozenset(NAMES.values()) - {NAMES[prefix] for prefix in ("x", "rdf", "exif", "stDim", "stArea")}
SIZES = (  # of the photo that areas are told of
    (qualified("GPano:CroppedAreaImageWidthPixels"), qualified("GPano:CroppedAreaImageHeightPixels")),
    (qualified("stDim:w"), qualified("stDim:h")),
)
PASSED_OVER_NAMES = frozenset(
    map(
        qualified,
        (
            "photoshop:ICCProfile photoshop:ColorMode photoshop:SidecarForExtension photoshop:History "
            "photoshop:DocumentAncestors photoshop:LegacyIPTCDigest photoshop:TextLayers xmp:CreatorTool "
            "xmp:ModifyDate xmp:MetadataDate xmp:Thumbnails dc:format Iptc4xmpExt:ImageRegion"
        ).split(),
    )
)
# Camera and exposure, which EXIF tells; pixels, colours and depth; the settings and history of programs.
PASSED_OVER = (
    "http://ns.adobe.com/exif/", "http://cipa.jp/exif/", "http://ns.adobe.com/tiff/", "http://ns.adobe.com/camera-raw",
    "http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xmp/", "http://ns.adobe.com/lightroom",
    "http://ns.adobe.com/hdr-", "http://ns.adobe.com/pdf/", "http://ns.adobe.com/illustrator/",
    "http://ns.google.com/", "http://ns.apple.com/", "http://darktable.sf.net/", "http://rawtherapee.com/",
    "http://ns.dxo", "http://www.dxo", "http://www.captureone", "http://ns.nikon.com/",
)  # fmt: skip
