"""The formats of points, one file each; :mod:`landvote.formats.family` has the table of them."""
