"""Files on disk -> samples: pixels, point files, folders, splits by subject."""

from landvote.readers.check import check_folder
from landvote.readers.folder import read_folder
from landvote.readers.hashes import pixel_hash
from landvote.readers.image import find_images, read_image, walk_images
from landvote.readers.points import read_csv, read_long_csv, read_wide_csv, write_wide_csv
from landvote.readers.pts import read_pts, write_pts
from landvote.readers.shapes import read_shapes
from landvote.readers.split import split_by_subject

__all__ = [
    "check_folder",
    "find_images",
    "pixel_hash",
    "read_csv",
    "read_folder",
    "read_image",
    "read_long_csv",
    "read_pts",
    "read_shapes",
    "read_wide_csv",
    "split_by_subject",
    "walk_images",
    "write_pts",
    "write_wide_csv",
]
