"""enfuse by our means: `deepfuse-enfuse`, also as `python -m deepfuse.compat.enfuse`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from deepfuse.compat import program
from deepfuse.compat.enfuse_options import Order, read_order
from deepfuse.compat.program import check_count, code_of, said, say_noted

if TYPE_CHECKING:
    import numpy as np

    from deepfuse.color import Image
    from deepfuse.job.options import FuseOptions
    from deepfuse.job.prepare import Prepared
    from deepfuse.photo import Embedded

_TIFF = (".tif", ".tiff")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuse as a command line of enfuse asks; returns the exit code, which is that of `deepfuse`."""
    return code_of(lambda: _work(read_order(sys.argv[1:] if arguments is None else arguments)))


def run() -> NoReturn:
    """The program."""
    program.run(main)


def _work(order: Order) -> None:
    """Read, lay, fuse, write."""
    from deepfuse.job.placed import prepare_placed
    from deepfuse.metadata.placement import placed
    from deepfuse.photo import check_output, write_photo

    check_count(order.files, 1)
    options = _options(order)
    say_noted(order.noted)
    check_output(order.output, sources=order.files, overwrite=True, depth=options.depth)
    bracket, canvas = prepare_placed(order.files, options, order.output, order.canvas)
    pixels, embedded, warnings = _picture(bracket, order, options)
    said(*(f"warning: {warning}" for warning in warnings))
    if order.output.suffix.lower() in _TIFF:
        embedded = placed(embedded, canvas[:2])
    write_photo(order.output, pixels, encoding=options.encoding, embedded=embedded, shown=_alpha(bracket))


def _options(order: Order) -> FuseOptions:
    """The frames lie where they are, and keep their depth, which a blender wants alike in all that it is given.

    A depth beyond the format's means is brought to those.
    """
    from deepfuse.job.options import FuseOptions
    from deepfuse.photo import DEFAULT_ENCODING, read_header, written_depth

    encoding = DEFAULT_ENCODING
    if order.compression:
        encoding = replace(encoding, compression=order.compression)
    if order.jpeg_quality:
        encoding = replace(encoding, jpeg_quality=order.jpeg_quality)
    depth = written_depth(order.output.suffix, order.depth or read_header(order.files[0]).depth)
    return FuseOptions(align=False, depth=depth, encoding=encoding, deghost=len(order.files) > 1)


def _picture(bracket: Prepared, order: Order, options: FuseOptions) -> tuple[Image, Embedded, tuple[str, ...]]:
    """The pixels, what goes beside them, and what is to be said; one frame alone is the picture."""
    if len(bracket.files) == 1:
        return _alone(bracket, order, options)
    from deepfuse.fusion.fuse import shipped_model
    from deepfuse.job.fuse import fuse_prepared

    fused = fuse_prepared(bracket, shipped_model(), options, suffix=order.output.suffix, wrap=order.wrap)
    return fused.pixels, fused.embedded, fused.record.warnings


def _alone(bracket: Prepared, order: Order, options: FuseOptions) -> tuple[Image, Embedded, tuple[str, ...]]:
    from deepfuse.job.carried import carried_over
    from deepfuse.photo import in_depth

    [frame], carried = bracket.agreeing, carried_over(bracket, order.output.suffix)
    only = f"{bracket.files[0].name}: one exposure alone, which is written as it is"
    pixels = frame if options.depth is None else in_depth(frame, options.depth)
    return pixels, carried.embedded, (only, *carried.warnings)


def _alpha(bracket: Prepared) -> np.ndarray:
    """Who calls enfuse expects an alpha, also where all is shown."""
    import numpy as np

    return np.ones(bracket.agreeing[0].shape[:2], np.uint8) if bracket.shown is None else bracket.shown


if __name__ == "__main__":
    run()
