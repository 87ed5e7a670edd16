"""The larger group of frames that lie on each other, where the best-exposed frame may be the odd one out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deepfuse.alignment.chain import Attempt, Chain, register_chain
from deepfuse.alignment.proxy import Proxy


def larger_group(chain: Chain, proxies: Sequence[Proxy]) -> Chain:
    """A chain of the frames that failed in `chain`, if more of them lie on each other than frames held in that."""
    frames = sorted(chain.failed)
    if len(frames) <= len(chain.links):
        return chain
    other = register_chain([proxies[frame] for frame in frames], chain.gate)
    if len(other.links) <= len(chain.links):
        return chain
    links = [replace(link, frame=frames[link.frame], target=frames[link.target]) for link in other.links.values()]
    failed = {frames[at]: [(frames[target], match) for target, match in tried] for at, tried in other.failed.items()}
    reference = frames[other.reference]
    outside = {frame: _attempts(frame, chain, reference) for frame in chain.links}
    return replace(other, reference=reference, links={link.frame: link for link in links}, failed=failed | outside)


def _attempts(frame: int, chain: Chain, reference: int) -> list[Attempt]:
    """What was tried between a frame and the others, seen from it; a link among those outside tells nothing more."""
    tried = [(other, match) for other, ones in chain.failed.items() for target, match in ones if target == frame]
    return tried or [(reference, match) for _, match in chain.failed[reference]]
