"""Film files -> radiographs: PNG, JPEG, TIFF, BMP, DICOM; and how they are found in folders."""
