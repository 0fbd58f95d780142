"""DICOM: elements, tags, series, pixels, and slices to volumes."""
