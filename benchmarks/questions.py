"""What many people ask in the benchmarks of load: each finding in each lobe of each side."""

from __future__ import annotations

KINDS = ("infarct", "meningioma", "metastasis", "haemorrhage", "cyst", "glioma", "abscess", "cavernoma")
SITES = ("frontal", "temporal", "parietal", "occipital")
QUESTIONS = [f"{kind} in the {side} {site} lobe" for kind in KINDS for side in ("left", "right") for site in SITES]
