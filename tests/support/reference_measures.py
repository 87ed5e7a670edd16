"""MEF-SSIMc and the lightness order error written out literally: the yardsticks of tests/test_measures.py.

Slow on purpose; nothing here is shared with the package.
"""

from __future__ import annotations

import numpy as np


def color_window_quality(patches: np.ndarray, fused: np.ndarray, means: np.ndarray) -> float:
    """One window: K patches (K, 8, 8, 3) and the fused one (8, 8, 3) from 0 to 1, the frames' means (K,)."""
    vectors = patches.reshape(len(patches), -1)
    x = fused.ravel()
    intensity = vectors.mean(1)
    centred = [v - v.mean() if np.ptp(v) > 0 else np.zeros_like(v) for v in vectors]
    contrast = np.array([np.linalg.norm(c) for c in centred])
    structure = sum((c**4 * (v / c) for c, v in zip(contrast, centred, strict=True) if c > 0), np.zeros_like(x))
    total = np.linalg.norm(structure)
    # Structures that cancel are zero in exact arithmetic; scaling up what rounding leaves would be noise.
    unit = structure / total if total > 1e-6 * contrast.max() ** 4 and total > 0 else np.zeros_like(x)
    weight = np.exp(-((means - 0.5) ** 2) / (2 * 0.2**2) - (intensity - 0.5) ** 2 / (2 * 0.5**2))
    wanted = contrast.max() * unit + (weight * intensity).sum() / weight.sum()
    covariance = ((wanted - wanted.mean()) * (x - x.mean())).mean()
    luminance = (2 * wanted.mean() * x.mean() + 1e-4) / (wanted.mean() ** 2 + x.mean() ** 2 + 1e-4)
    return luminance * (2 * covariance + 9e-4) / (wanted.var() + x.var() + 9e-4)


def color_quality(frames: np.ndarray, fused: np.ndarray) -> float:
    """MEF-SSIMc of frames (K, H, W, 3) and a fused picture (H, W, 3), from 0 to 1."""
    height, width, _ = fused.shape
    means = frames.mean((1, 2, 3))
    return float(
        np.mean(
            [
                color_window_quality(frames[:, y : y + 8, x : x + 8], fused[y : y + 8, x : x + 8], means)
                for y in range(height - 7)
                for x in range(width - 7)
            ]
        )
    )


def order_error(frames: np.ndarray, fused: np.ndarray) -> float:
    """Of all ordered pairs of pixels that are clearly unlike in the mean of the frames, the share reversed."""
    scene = frames.max(-1).mean(0).ravel()
    result = fused.max(-1).ravel()
    clear, reverse = 0, 0
    for i in range(len(scene)):
        for j in range(len(scene)):
            if scene[i] - scene[j] > 2 / 255:
                clear += 1
                reverse += result[j] - result[i] > 2 / 255
    return reverse / clear if clear else 0.0
