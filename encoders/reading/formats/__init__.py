"""Volumes in files that are neither DICOM nor a single NIfTI file: one module a format, listed in `known`."""
