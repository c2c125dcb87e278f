"""Files on disk -> samples: pixels, point files, folders, splits by subject."""

from landvote.readers.folder import read_folder
from landvote.readers.image import find_images, read_image
from landvote.readers.points import PointRow, PointTable, read_csv, read_long_csv, read_wide_csv, write_wide_csv
from landvote.readers.pts import read_pts, write_pts

__all__ = [
    "PointRow",
    "PointTable",
    "find_images",
    "read_csv",
    "read_folder",
    "read_image",
    "read_long_csv",
    "read_pts",
    "read_wide_csv",
    "write_pts",
    "write_wide_csv",
]
