"""stub"""

from encoders.image.acquisition import Acquisition
from encoders.image.evidence import Evidence


def describe(e: Evidence) -> Acquisition:
    return Acquisition(plane=e.plane, spacing_mm=e.spacing_mm)
