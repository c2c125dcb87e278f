"""How simulated films are drawn: the shares and ranges a user may change."""

from typing import Annotated

from pydantic import Field, model_validator

from landvote.runtime.settings import Settings

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]


class PhantomSettings(Settings):
    """Settings of the simulated films; the defaults make the project's embedded data set.

    Attributes:
        age_range: youngest and oldest child, years; Davison et al. 2018, section 4.1, have 2 to 11.
        perthes_share: share of films with Perthes disease in at least one hip.
        both_share: share of the diseased films with both hips diseased (10-15 % in clinical series).
        left_share: share of the diseased films with one diseased hip where it is the annotated, left one.
        spacing_range: detector pixel size, mm.
        rotation_sd: in-plane rotation of the child on the film, degrees.
        cropped_share: films with a tight or lopsided field.
        collimated_share: films with unexposed borders.
        marker_share: films with a lead side marker.
        shield_share: films with a gonad shield.
        inverted_share: films stored with bone dark.
        sixteen_bit_share: films stored with 16 bits (12 used), as detectors deliver them.
        annotators: size of the pool two annotators are drawn from.
        along_sd: an annotator's error along the contour, mm, bias included.
        across_sd: an annotator's error across the contour, mm, bias included.
    """

    age_range: tuple[Positive, Positive] = (2.0, 11.0)
    perthes_share: Share = 0.5
    both_share: Share = 0.12
    left_share: Share = 0.6
    spacing_range: tuple[Positive, Positive] = (0.30, 0.40)
    rotation_sd: float = Field(default=3.5, ge=0.0, le=20.0)
    cropped_share: Share = 0.15
    collimated_share: Share = 0.35
    marker_share: Share = 0.7
    shield_share: Share = 0.15
    inverted_share: Share = 0.04
    sixteen_bit_share: Share = 0.0
    annotators: int = Field(default=10, ge=2, le=99)
    along_sd: float = Field(default=1.5, ge=0.0)
    across_sd: float = Field(default=0.5, ge=0.0)

    @model_validator(mode="after")
    def _ordered(self) -> "PhantomSettings":
        for name in ("age_range", "spacing_range"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} = ({low}, {high}), expected the smaller value first")
        return self
