"""What each tissue is to a scanner: relaxation times, proton density, diffusion, uptake of contrast medium.

Sources, healthy tissue: T1 of grey and white matter, Wright et al., MAGMA 2008;21:121; T2 of brain, blood and
muscle, Stanisz et al., Magn Reson Med 2005;54:507; T2* of brain, Peters et al., Magn Reson Imaging 2007;25:748;
fat and marrow, de Bazelaire et al., Radiology 2004;230:652; proton density, Tofts (ed.), Quantitative MRI of the
Brain, 2003; ADC, Helenius et al., AJNR 2002;23:194. Lesions are set within the ranges that the clinical
literature gives (infarct, Warach et al., Ann Neurol 1995;37:231; glioma and oedema, Kono et al., AJNR 2001;22:1081;
abscess, Desprechins et al., AJNR 1999;20:1252; haematoma, Bradley, Radiology 1993;189:15).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RELAXIVITY = 4.5
"""Longitudinal relaxivity of a gadolinium chelate in plasma, 1/(s mM) (Rohrer et al., Invest Radiol 2005;40:715)."""


@dataclass(frozen=True, slots=True)
class Tissue:
    """One tissue. Times in ms at (1.5 T, 3 T); `pd` relative to water; `adc` in 1e-6 mm2/s.

    `uptake_mm` is the concentration (mM) of contrast medium some minutes after a single dose.
    """

    t1: tuple[float, float]
    t2: tuple[float, float]
    t2s: tuple[float, float]
    pd: float
    adc: float
    uptake_mm: float = 0.0
    kind: Literal["water", "fat", "flow", "air"] = "water"

    def relaxation(self, field_t: float, *, contrast: bool) -> tuple[float, float, float]:
        """(T1, T2, T2*) in ms at `field_t`, after contrast medium if `contrast`."""
        at = 1 if field_t > 2 else 0
        t1 = self.t1[at]
        if contrast and self.uptake_mm:
            t1 = 1 / (1 / t1 + RELAXIVITY * self.uptake_mm / 1000)
        return t1, self.t2[at], self.t2s[at]


TISSUES: dict[str, Tissue] = {
    # Outside the brain; the first entries are the labels of the head, in this order.
    "air": Tissue((1000, 1000), (1, 1), (1, 1), 0.0, 0, kind="air"),
    "bone": Tissue((250, 280), (2, 2), (1, 1), 0.15, 200),
    "marrow": Tissue((420, 460), (62, 58), (9, 6), 0.55, 300, kind="fat"),
    "fat": Tissue((320, 375), (110, 105), (45, 32), 0.85, 60, kind="fat"),
    "muscle": Tissue((1008, 1412), (44, 42), (33, 25), 0.75, 1500, 0.04),
    "skin": Tissue((900, 1100), (48, 45), (25, 18), 0.65, 1200, 0.05),
    "mucosa": Tissue((1300, 1500), (120, 110), (40, 28), 0.85, 1700, 0.30),
    "vitreous": Tissue((3900, 4200), (1300, 1100), (500, 350), 0.98, 2900),
    "lens": Tissue((900, 1100), (30, 26), (20, 15), 0.7, 1000),
    "dura": Tissue((900, 1050), (32, 30), (15, 11), 0.55, 700, 0.18),
    "artery": Tissue((1441, 1932), (230, 200), (150, 90), 0.85, 2500, 0.75, kind="flow"),
    "sinus": Tissue((1441, 1850), (170, 100), (70, 30), 0.85, 2500, 0.75, kind="flow"),
    "pituitary": Tissue((900, 1100), (85, 80), (50, 38), 0.8, 1000, 0.40),
    "fluid": Tissue((4070, 4300), (1800, 1600), (800, 500), 1.0, 3000),
    "cord": Tissue((850, 1020), (82, 78), (66, 52), 0.74, 780),
    # The brain.
    "grey": Tissue((1197, 1607), (95, 99), (84, 66), 0.82, 800),
    "white": Tissue((646, 838), (72, 69), (66, 53), 0.70, 700),
    "csf": Tissue((4070, 4300), (1800, 1600), (800, 500), 1.0, 3000),
    "iron": Tissue((950, 1250), (72, 58), (42, 26), 0.78, 720),
    "choroid": Tissue((1500, 1700), (180, 170), (80, 60), 0.9, 1500, 0.40),
    # Lesions.
    "wmh": Tissue((1050, 1350), (150, 145), (120, 95), 0.82, 1050),
    "plaque": Tissue((1250, 1550), (190, 180), (150, 115), 0.86, 1150),
    "active plaque": Tissue((1200, 1500), (200, 190), (150, 115), 0.86, 1000, 0.28),
    "infarct": Tissue((1350, 1750), (165, 160), (110, 85), 0.87, 420),
    "gliosis": Tissue((1400, 1700), (210, 200), (150, 110), 0.88, 1500),
    "cavity": Tissue((3400, 3700), (1200, 1000), (600, 400), 0.99, 2700),
    "oedema": Tissue((1400, 1750), (190, 180), (140, 105), 0.90, 1450),
    "glioma rim": Tissue((1350, 1650), (125, 120), (75, 55), 0.86, 950, 0.45),
    "necrosis": Tissue((2600, 2900), (420, 380), (200, 140), 0.95, 2100),
    "low grade": Tissue((1600, 2000), (220, 210), (160, 120), 0.92, 1550),
    "meningioma": Tissue((1150, 1480), (108, 104), (75, 55), 0.84, 850, 0.55),
    "metastasis": Tissue((1300, 1600), (130, 125), (80, 60), 0.86, 950, 0.50),
    "haematoma": Tissue((480, 560), (52, 44), (14, 9), 0.85, 650),
    "acute haematoma": Tissue((1200, 1480), (48, 40), (14, 9), 0.86, 600),
    "haemosiderin": Tissue((1000, 1300), (28, 20), (6, 4), 0.75, 500),
    "cavernoma": Tissue((520, 640), (150, 140), (16, 10), 0.88, 900, 0.03),
    "pus": Tissue((1900, 2200), (260, 240), (150, 110), 0.94, 520),
    "capsule": Tissue((1100, 1400), (70, 66), (45, 32), 0.82, 900, 0.55),
    "cyst": Tissue((4000, 4250), (1750, 1550), (780, 490), 1.0, 2950),
}

HEAD_LABELS = tuple(TISSUES)[: tuple(TISSUES).index("grey")]
