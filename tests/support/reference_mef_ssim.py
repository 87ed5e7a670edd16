"""MEF-SSIM written out literally, window by window: the yardstick of tests/test_mef_ssim.py.

Ma, Zeng, Wang, IEEE TIP 2015. Slow on purpose; nothing here is shared with the package.
"""

from __future__ import annotations

import numpy as np

EPS = np.finfo(np.float64).eps


def gaussian_window() -> np.ndarray:
    y, x = np.mgrid[-5:6, -5:6]
    window = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    return window / window.sum()


def wanted_patch(patches: np.ndarray) -> np.ndarray:
    """The desired patch (11, 11) of K patches (K, 11, 11)."""
    centred = np.array([p - p.mean() if np.ptp(p) > 0 else np.zeros_like(p) for p in patches])
    strength = np.array([np.linalg.norm(c) + 0.001 for c in centred])
    total = patches.sum(0)
    total_norm = np.linalg.norm(total - total.mean()) if np.ptp(patches.reshape(len(patches), -1), 1).any() else 0.0
    r = (total_norm + EPS) / (sum(np.linalg.norm(c) for c in centred) + EPS)
    p = min(np.tan(np.pi / 2 * min(r, 1 - EPS)), 10.0)
    weight = (strength / 11) ** p + EPS
    weight /= weight.sum()
    direction = sum(w * c / s for w, c, s in zip(weight, centred, strength, strict=True))
    norm = np.linalg.norm(direction)
    # Structures that cancel are zero in exact arithmetic; scaling up what rounding leaves would be noise.
    return direction / norm * strength.max() if norm > 1e-9 else np.zeros_like(direction)


def window_quality(patches: np.ndarray, fused: np.ndarray) -> float:
    window = gaussian_window()
    wanted = wanted_patch(patches)
    mean_w, mean_f = (window * wanted).sum(), (window * fused).sum()
    var_w = (window * (wanted - mean_w) ** 2).sum()
    var_f = (window * (fused - mean_f) ** 2).sum()
    cov = (window * (wanted - mean_w) * (fused - mean_f)).sum()
    c = (0.03 * 255) ** 2
    return (2 * cov + c) / (var_w + var_f + c)


def single_scale(frames: np.ndarray, fused: np.ndarray) -> float:
    """Frames (K, H, W) and fused (H, W), grey 0 to 255."""
    h, w = fused.shape
    return float(
        np.mean(
            [
                window_quality(frames[:, y : y + 11, x : x + 11], fused[y : y + 11, x : x + 11])
                for y in range(h - 10)
                for x in range(w - 10)
            ]
        )
    )


def halve(image: np.ndarray) -> np.ndarray:
    padded = np.pad(image, ((0, 1), (0, 1)), mode="symmetric")
    mean = (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4
    return mean[::2, ::2]


def three_scales(frames: np.ndarray, fused: np.ndarray) -> float:
    exponents = np.array([0.0448, 0.2856, 0.3001])
    exponents /= exponents.sum()
    result = 1.0
    for exponent in exponents:
        result *= single_scale(frames, fused) ** exponent
        frames, fused = np.array([halve(f) for f in frames]), halve(fused)
    return float(result)
