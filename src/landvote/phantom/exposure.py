"""From attenuation to grey levels: scatter, detector blur, quantum noise and the film's curve."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from landvote.phantom.canvas import Image


@dataclass(frozen=True)
class Technique:
    """How a film was exposed and printed."""

    quanta: float  # X-ray quanta per pixel in the open beam
    scatter: float  # scattered against primary radiation behind the body
    blur: float  # standard deviation of focal spot and detector blur, pixels
    sharpening: float  # strength of the unsharp mask most digital systems apply
    evening: float  # share of the slow brightness changes across the body that the system takes out
    gamma: float  # of the display curve; below 1 brightens the soft tissue
    low: float  # percent of the body's pixels shown as black
    high: float  # percent shown as white


def draw_technique(rng: np.random.Generator) -> Technique:
    """Draw an exposure; low doses are common in children."""
    return Technique(
        quanta=float(np.exp(rng.normal(np.log(18000.0), 0.55))), scatter=float(rng.uniform(0.15, 0.7)),
        blur=float(rng.uniform(0.5, 0.95)), sharpening=float(rng.choice([0.0, rng.uniform(0.2, 0.9)])),
        evening=float(rng.uniform(0.2, 0.75)), gamma=float(np.exp(rng.normal(0.05, 0.2))),
        low=float(rng.uniform(0.5, 6.0)), high=float(rng.uniform(0.05, 1.0)),
    )  # fmt: skip


def expose(attenuation: Image, technique: Technique, pixels_per_mm: float, rng: np.random.Generator) -> Image:
    """Return the log of the detected signal, bone bright: Beer-Lambert, scatter, blur, noise."""
    primary = np.exp(-attenuation)
    small = cv2.resize(primary, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    veil = cv2.GaussianBlur(small, (0, 0), 18.0 * pixels_per_mm / 8, borderType=cv2.BORDER_REPLICATE)
    veil = cv2.resize(veil, primary.shape[::-1], interpolation=cv2.INTER_LINEAR)
    behind = np.minimum(primary, np.quantile(small, 0.6))  # little scatter reaches the open beam
    signal = cv2.GaussianBlur(primary, (0, 0), technique.blur) + technique.scatter * np.minimum(veil, 3 * behind)
    expected = technique.quanta * signal
    # Poisson noise by its variance-stabilised form: one normal draw per pixel keeps the stream of random numbers,
    # and so the rest of the film, the same on machines whose floats differ in the last bit.
    root = np.sqrt(expected) + 0.5 * rng.standard_normal(expected.shape, dtype=np.float32)
    counts = np.maximum(root, 0.5) ** 2
    return np.asarray(-np.log(counts / technique.quanta), np.float32)


def develop(log_signal: Image, technique: Technique, pixels_per_mm: float, body: npt.NDArray[np.bool_]) -> Image:
    """Return grey levels 0 to 1, bone bright, windowed on the pixels of the ``body``."""
    floor = float(np.percentile(log_signal[::4, ::4][body[::4, ::4]], 1.0)) - 0.3
    small = cv2.resize(np.maximum(log_signal, floor), None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    slow = cv2.GaussianBlur(small, (0, 0), 14.0 * pixels_per_mm / 8, borderType=cv2.BORDER_REPLICATE)
    slow = cv2.resize(slow, (log_signal.shape[1], log_signal.shape[0]), interpolation=cv2.INTER_CUBIC)
    shown = log_signal - technique.evening * slow
    if technique.sharpening > 0:
        shown = shown + technique.sharpening * (shown - cv2.GaussianBlur(shown, (0, 0), 1.5 * pixels_per_mm))
    black, white = np.percentile(shown[::4, ::4][body[::4, ::4]], [technique.low, 100.0 - technique.high])
    level = (shown - black) / max(float(white - black), 1e-3)
    toe = np.where(level < 0.12, 0.12 * np.exp((np.minimum(level, 0.12) - 0.12) / 0.12), level)
    both = np.where(toe > 0.88, 0.88 + 0.12 * np.tanh((toe - 0.88) / 0.12), toe)
    return np.asarray(np.clip(both, 0.0, 1.0) ** technique.gamma, np.float32)
