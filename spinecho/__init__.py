"""Cross-modal search for MRI archives."""
