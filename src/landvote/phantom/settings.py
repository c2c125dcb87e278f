"""How simulated films are drawn: the shares and ranges a user may change."""

from typing import Annotated

from pydantic import Field, model_validator

from landvote.runtime.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class PhantomSettings(Settings):
    """Settings of the simulated films; the defaults make the project's embedded data set."""

    age_range: tuple[Positive, Positive] = (2.0, 11.0)  # youngest and oldest child, years; as Davison et al. 2018, 4.1
    perthes_share: Share = 0.5  # of films with Perthes disease in at least one hip
    both_share: Share = 0.12  # of the diseased films with both hips diseased (10-15 % in clinical series)
    left_share: Share = 0.6  # of the films with one diseased hip, where it is the annotated, left one
    spacing_range: tuple[Positive, Positive] = (0.30, 0.40)  # detector pixel size, mm
    rotation_sd: float = Field(default=3.5, ge=0.0, le=20.0)  # in-plane, of the child on the film, degrees
    cropped_share: Share = 0.15  # of films with a tight or lopsided field
    collimated_share: Share = 0.35  # with unexposed borders
    marker_share: Share = 0.7  # with a lead side marker
    shield_share: Share = 0.15  # with a gonad shield
    inverted_share: Share = 0.04  # stored with bone dark
    sixteen_bit_share: Share = 0.0  # stored with 16 bits (12 used), as detectors deliver them
    annotators: int = Field(default=10, ge=2, le=99)  # in the pool that two are drawn from
    along_sd: float = Field(default=1.5, ge=0.0)  # an annotator's error along the contour, mm, bias included
    across_sd: float = Field(default=0.5, ge=0.0)  # the same across the contour

    @model_validator(mode="after")
    def _ordered(self) -> "PhantomSettings":
        for name in ("age_range", "spacing_range"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} = ({low}, {high}), expected the smaller value first")
        return self
