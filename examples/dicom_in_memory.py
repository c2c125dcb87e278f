"""Landmarks in millimetres of DICOM films that are in memory, as those that a PACS sends.

Usage: python dicom_in_memory.py MODEL FILE.dcm...
"""

import sys
from collections.abc import Iterable

import numpy as np
import pydicom

import landvote


def received(files: Iterable[str]) -> Iterable[pydicom.Dataset]:
    """Yield data sets; here they are read from files, a storage service is handed them."""
    for file in files:
        yield pydicom.dcmread(file)


def main(model: str, files: Iterable[str]) -> None:
    """Print each landmark, and the distance of the pair that the scheme measures by."""
    localiser = landvote.load_model(model)
    localiser.prepare_process()  # threads and memory of this process, which is ours alone
    scheme = localiser.scheme
    for prediction in landvote.locate(localiser, received(files)):
        spacing = prediction.film.spacing
        if spacing is None:
            print(f"{prediction.identifier}: left out, its millimetres per pixel are not known")
            continue
        points = prediction.points * (spacing.x, spacing.y)  # from the centre of the top-left pixel
        errors = prediction.expected_error * (spacing.x + spacing.y) / 2
        print(f"{prediction.identifier}, in mm by {spacing.source}")
        for name, (x, y), error in zip(prediction.landmarks, points, errors, strict=True):
            print(f"  {name:>24}  x {x:7.1f}  y {y:7.1f}  about {error:.1f} off")
        if scheme.normaliser is not None:
            first, second = points[list(scheme.normaliser)]
            print(f"  {'distance of the pair':>24}  {np.linalg.norm(first - second):.1f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
