"""Files to file: what a photographer waits for, by parts, over the bare decoding and encoding of the same files.

A pair of JPEGs is read, aligned, freed of ghosts, fused and written: by the command as a user starts it, and in one
process by parts. Then a batch of such pairs in folders of their own, by the set, and the same in another look. All are
told in seconds, in processor seconds and over the baseline of the same run, OpenCV's `imread` of both files and
`imwrite` at the same quality; beside them the same with its Mertens fusion in between, without alignment. The smallest
of several repetitions counts, because whatever else runs adds to it; run it at a high priority where something does.

The pair is generated: a scene of textures at all scales, seen by a camera that moved by a few pixels between exposures
of one and four. `--files` takes others.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from moved_pair import QUALITY, write_pair, write_sets

from deepfuse.color import Image
from deepfuse.heap import keep_freed_memory

DEEPFUSE = Path(sys.executable).parent / "deepfuse"


@dataclass(frozen=True)
class Took:
    """Elapsed and processor seconds."""

    elapsed: float
    processor: float

    def told(self, name: str, unit: Took) -> str:
        """A line of the table."""
        values = (self.elapsed, self.processor, self.elapsed / unit.elapsed, self.processor / unit.processor)
        return f"{name:36}" + "".join(" " * 10 if isnan(value) else f"{value:10.2f}" for value in values)


def main() -> None:
    """Measure and print."""
    options = arguments()
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        pair = options.files or write_pair(Path(folder) / "pair", options.megapixels)
        unit = best(options.repeats, lambda: alone(bare, pair))
        print(f"{'':36}{'elapsed s':>10}{'CPU s':>10}{'× bare':>10}{'× CPU':>10}")
        print(unit.told("bare: imread, imwrite", unit), flush=True)
        print(best(options.repeats, lambda: alone(mertens, pair)).told("with OpenCV's Mertens", unit), flush=True)
        command = [str(DEEPFUSE), "fuse", *map(str, pair), "-o", f"{folder}/fused.jpg", "--force"]
        print(best(options.repeats, lambda: run(command)).told("deepfuse fuse", unit), flush=True)
        for name, took in parts(pair, options.repeats).items():
            print(took.told(f"    {name}", unit), flush=True)
        if options.sets:
            write_sets(Path(folder) / "sets", pair, options.sets)
            for name, look in (("", []), (", second look", ["--exposure", "0.5"])):
                took = batch(Path(folder), options.sets, look)
                print(took.told(f"deepfuse batch{name}, one of {options.sets} sets", unit), flush=True)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=Path, nargs="+", help="the frames of one bracket in place of the generated")
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sets", type=int, default=50, help="of the batch; 0 leaves it out")
    parser.add_argument("--work", type=Path, help="where files go for the time of the run")
    return parser.parse_args()


def best(repeats: int, once: Callable[[], Took]) -> Took:
    """The least that it takes."""
    return smallest([once() for _ in range(repeats)])


def smallest(took: Sequence[Took]) -> Took:
    """The smallest elapsed and the smallest processor time."""
    return Took(min(one.elapsed for one in took), min(one.processor for one in took))


def run(command: Sequence[str]) -> Took:
    """What a program takes."""
    started, before = time.perf_counter(), processor_s(resource.RUSAGE_CHILDREN)
    where = Path(command[command.index("-o") + 1]).parent  # no checkout, in which pictures are measured for the loop
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=where)
    return Took(time.perf_counter() - started, processor_s(resource.RUSAGE_CHILDREN) - before)


def alone(work: Callable[[Sequence[Path]], None], pair: Sequence[Path]) -> Took:
    """What a function takes in a process of its own, whose start does not count."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measured, (work, pair))


def measured(work: Callable[[Sequence[Path]], None], pair: Sequence[Path]) -> Took:
    """What a function takes here."""
    started, before = time.perf_counter(), processor_s()
    work(pair)
    return Took(time.perf_counter() - started, processor_s() - before)


def bare(pair: Sequence[Path]) -> None:
    """Decode all and encode one."""
    frames = decoded(pair)
    cv2.imwrite(str(pair[0].with_suffix(".out.jpg")), frames[0], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def decoded(pair: Sequence[Path]) -> list[Image]:
    """The frames as OpenCV reads them."""
    return [np.asarray(cv2.imread(str(path))) for path in pair]


def mertens(pair: Sequence[Path]) -> None:
    """Decode, fuse without alignment, encode."""
    frames = decoded(pair)
    fused = cv2.createMergeMertens().process(frames)
    pixels = np.clip(np.rint(fused * 255), 0, 255).astype(np.uint8)
    cv2.imwrite(str(pair[0].with_suffix(".out.jpg")), pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def parts(pair: Sequence[Path], repeats: int) -> dict[str, Took]:
    """The steps of the command, one after the other, each time in a process of its own."""
    runs = []
    for _ in range(repeats):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            runs.append(pool.apply(steps, (pair,)))
    return {name: smallest([one[name] for one in runs]) for name in runs[0]}


def steps(pair: Sequence[Path]) -> dict[str, Took]:
    """What `deepfuse fuse` does, in this process, with the parts of fusing told apart."""
    keep_freed_memory()
    found: dict[str, Took] = {}
    last = time.perf_counter(), processor_s()

    def step(name: str) -> None:
        nonlocal last
        now = time.perf_counter(), processor_s()
        found[name] = Took(now[0] - last[0], now[1] - last[1])
        last = time.perf_counter(), processor_s()

    from deepfuse.job.options import FuseOptions
    from deepfuse.job.prepare import prepare

    step("import what prepares")
    import torch

    from deepfuse.fusion import fuse as fusing
    from deepfuse.job.fuse import fuse_prepared

    torch.get_num_threads()
    step("import what fuses")
    options = FuseOptions()
    bracket = prepare(pair, options)
    step("prepare")
    for name in ("read", "align", "deghost"):
        found[f"    {name}"] = Took(bracket.seconds.get(name, 0.0), float("nan"))
    model = fusing.shipped_model()
    step("read the model")
    only_luma(fusing, bracket.agreeing, model)
    step("network alone")
    fused = fuse_prepared(bracket, model, options, suffix=".jpg")
    step("fuse, network and colours")
    from deepfuse.photo import write_photo

    write_photo(pair[0].with_suffix(".out.jpg"), fused.pixels, embedded=fused.embedded)
    step("encode")
    return found


def only_luma(fusing: Any, frames: Sequence[Image], model: Any) -> None:
    """The fused luma by strips as `fuse` makes it, without colours."""
    import torch

    arrays = list(frames)
    strips = fusing.strips_of(*arrays[0].shape[:2])
    with fusing.side_by_side(fusing.MOST_STRIPS) as spread:
        dtype = fusing.native_precision(fusing.device_of(model))
        exposures = fusing.exposures_of(arrays)
        luma_of = model.by_rows(exposures, model.qualities[0], dtype=dtype, strips=strips, run=spread)

        def strip(rows: slice) -> None:
            with torch.inference_mode():
                luma_of(rows)

        for _ in spread(strip, strips):
            pass


def batch(folder: Path, count: int, look: Sequence[str]) -> Took:
    """A set's share of `deepfuse batch`, run once, its start and its end included."""
    (folder / "out").mkdir(exist_ok=True)
    took = run([str(DEEPFUSE), "batch", f"{folder}/sets", "-o", f"{folder}/out/made", "--format", "jpg", *look])
    if (made := len(list((folder / "out" / "made").glob("*.jpg")))) != count:
        raise RuntimeError(f"expected {count} pictures, got {made}")
    return Took(took.elapsed / count, took.processor / count)


def processor_s(who: int = resource.RUSAGE_SELF) -> float:
    """Processor seconds of this process, or of the children that have ended."""
    return sum(resource.getrusage(who)[:2])


if __name__ == "__main__":
    main()
