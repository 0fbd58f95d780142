"""A head from cached features: patients in parts, a probe, its calibration, its worth."""
