"""The 3D vision transformer, and volumes of any shape as one batch for it."""
