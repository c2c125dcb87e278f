"""Formats: files on disk <-> pixels and points, one file per format."""
