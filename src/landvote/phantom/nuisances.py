"""Nuisances on a film: lead markers, gonad shields, unexposed borders, plate scratches, inverted grey levels."""

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.phantom.anatomy import Child
from landvote.phantom.canvas import Canvas, Image
from landvote.phantom.curves import smooth_closed, table, turned
from landvote.phantom.field import Field
from landvote.phantom.settings import PhantomSettings

LEAD = 3.2  # attenuation of a shield
MARKER_LEAD = 2.4
SHIELDS = {
    "M": ("-.28,.52 0,.46 .28,.52 .40,.85 .34,1.25 0,1.38 -.34,1.25 -.40,.85",),
    "F": (
        "-.44,-.62 0,-.72 .44,-.62 .52,-.35 .36,-.06 0,.10 -.36,-.06 -.52,-.35",
        "-.40,-.60 0,-.48 .40,-.60 .50,-.30 .25,.02 0,.22 -.25,.02 -.50,-.30",
    ),
}


def add_shield(canvas: Canvas, child: Child, settings: PhantomSettings, rng: np.random.Generator) -> bool:
    """Lay a gonad shield over the midline in a share of the films; return whether there is one."""
    used = bool(rng.random() < settings.shield_share)
    choice, shift = rng.random(), rng.normal(0.0, 0.09, 2)
    turn, size = float(rng.normal(0.0, 8.0)), rng.uniform(0.75, 1.1)
    if not used:
        return False
    forms = SHIELDS[child.sex]
    control = table(forms[int(choice * len(forms))])
    outline = turned(smooth_closed(control) * size, turn) + np.clip(shift, -0.16, 0.16)
    patch = canvas.patch(outline * child.hip_distance)
    if patch is not None:
        canvas.add(patch, np.asarray(LEAD * (patch.inside > 0), np.float32))
    return True


def add_marker(canvas: Canvas, outline: Points, settings: PhantomSettings, rng: np.random.Generator) -> str:
    """Put a lead letter on the side it names, clear of the left femur; return ``"L"``, ``"R"`` or ``""``."""
    used = bool(rng.random() < settings.marker_share)
    letter = "L" if rng.random() < 0.6 else "R"
    place, boxed, height = rng.uniform(0.0, 1.0, 2), bool(rng.random() < 0.35), float(rng.uniform(9.0, 16.0))
    angle = float(rng.normal(0.0, 9.0))
    if not used:
        return ""
    width, total = canvas.size
    tall = height * canvas.placement.scale
    x = (0.80 + 0.14 * place[0]) * width if letter == "L" else (0.06 + 0.14 * place[0]) * width
    y = (0.08 + 0.84 * place[1]) * total
    stamp = _stamp(letter, tall, angle, boxed=boxed)
    left, top = int(x - stamp.shape[1] / 2), int(y - stamp.shape[0] / 2)
    near = canvas.placement.to_pixels(outline)
    clear = np.abs(near - (x, y)).max(axis=1).min() > stamp.shape[0] / 2 + 6
    rows, columns = slice(max(top, 0), top + stamp.shape[0]), slice(max(left, 0), left + stamp.shape[1])
    target = canvas.attenuation[rows, columns]
    if not clear or target.size == 0:
        return ""
    y0, x0 = rows.start - top, columns.start - left
    target += MARKER_LEAD * stamp[y0 : y0 + target.shape[0], x0 : x0 + target.shape[1]]
    return letter


def _stamp(letter: str, tall: float, angle: float, *, boxed: bool) -> Image:
    side = int(2.2 * tall) + 4
    stamp = np.zeros((side, side), np.uint8)
    scale, stroke = tall / 21.0, max(1, round(tall / 7))
    (w, h), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, scale, stroke)
    corner = ((side - w) // 2, (side + h) // 2)
    cv2.putText(stamp, letter, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, stroke, cv2.LINE_AA)
    if boxed:
        inset = int(0.3 * tall)
        cv2.rectangle(stamp, (inset, inset), (side - inset, side - inset), 255, max(1, stroke // 2), cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), angle, 1.0)
    return np.asarray(cv2.warpAffine(stamp, turn, (side, side)), np.float32) / np.float32(255.0)


def blank_borders(grey: Image, exposed: npt.NDArray[np.bool_], field: Field, rng: np.random.Generator) -> Image:
    """Give the unexposed border the level a system gives it: black, white, or something in between."""
    level = float(rng.choice([0.0, 0.0, 1.0, rng.uniform(0.05, 0.95)]))
    if field.exposed is None:
        return grey
    edge = cv2.GaussianBlur(exposed.astype(np.float32), (0, 0), 1.0)
    return np.asarray(grey * edge + level * (1.0 - edge), np.float32)


def scratch(grey: Image, rng: np.random.Generator) -> Image:
    """Add the bright line of a scratched or dirty plate reader to a few films."""
    used, row, slope = rng.random() < 0.06, rng.uniform(0.05, 0.95), rng.normal(0.0, 0.01)
    strength = float(rng.uniform(0.05, 0.25))
    if not used:
        return grey
    height, width = grey.shape
    start, end = (0, int(row * height)), (width, int((row + slope) * height))
    layer = cv2.line(np.zeros_like(grey), start, end, strength, 1, cv2.LINE_8)
    return np.asarray(np.clip(grey + layer * (rng.random(width) > 0.3), 0.0, 1.0), np.float32)
