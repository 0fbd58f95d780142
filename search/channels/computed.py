"""Which computed images a query asks for by name: results leave such images out unless somebody asks."""

from __future__ import annotations

import re

_MAP = r"(?:[\s-]*(?:maps?|mapping|images?|karten?|carte|mapa|mappa|bild(?:er)?))"
_NAMES: tuple[tuple[str, str], ...] = (
    ("ADC", r"e?ADC|apparent diffusion(?: coefficients?)?|diffusion coefficient|ADC-?Karten?"),
    ("FA", rf"(?-i:FA)|fa{_MAP}|fractional anisotropy"),
    ("MD", rf"(?:MD|RD|AD){_MAP}|(?:mean|radial|axial) diffusivity"),
    ("trace", rf"trace{_MAP}"),
    ("CBF", r"r?(?:el)?CBF|cerebral blood flow"),
    ("CBV", r"r?(?:el)?CBV|cerebral blood volume"),
    ("MTT", r"MTT|mean transit time"),
    ("TTP", r"TTP|time to peak"),
    ("Tmax", r"T-?max"),
    ("perfusion map", rf"perfusion{_MAP}"),
    ("Ktrans", r"K-?trans"),
    ("T1 map", r"(?:native )?T1[\s-]*(?:rho[\s-]*)?(?:maps?|mapping|karten?)"),
    ("T2 map", r"T2[\s-]*(?:maps?|mapping|karten?)"),
    ("T2* map", r"(?:T2\s*(?:\*|star)|R2\s*(?:\*|star)?)[\s-]*(?:maps?|mapping|karten?)"),
    ("ECV map", rf"ECV{_MAP}"),
    ("fat fraction", r"PDFF|fat[\s-]*fraction"),
    ("QSM", r"QSM|(?:quantitative )?susceptibility[\s-]*maps?(?:ping)?"),
    ("MIP", r"MIPs?|maximum intensity projections?"),
    ("MinIP", r"minIPs?|minimum intensity projections?"),
    ("MPR", r"MPRs?|multi-?planar reformat\w*|multi-?planar reconstruction\w*"),
    ("subtraction", r"subtract(?:ion|ions|ed)|subtraktion\w*|soustraction\w*|sustracci[oó]n\w*"),
    ("quantitative map", r"(?:quantitative|parametric|colou?r|elasticity|stiffness)[\s-]*maps?"),
    ("computed images", r"(?:computed|derived|calculated|post-?processed|synthetic)[\s-]*(?:images?|maps?|b-?values?)"),
)  # fmt: skip
"""What they are called in an answer, and the words that ask for them."""
_PATTERNS = tuple((name, re.compile(rf"(?<![\w-])(?:{words})(?![\w])", re.IGNORECASE)) for name, words in _NAMES)


def computed_in(wanted: str) -> tuple[str, ...]:
    """Names of the kinds of computed images that the words ask for, in a fixed order; () where they ask for none."""
    return tuple(name for name, pattern in _PATTERNS if pattern.search(wanted))


def why_included(names: tuple[str, ...]) -> str:
    """The sentence that tells so beside an answer."""
    return f"computed images are included because you asked for {' and '.join(names)}; derived=no leaves them out"
