"""The weighting by TR, TE, TI (ms), flip angle (degrees) and the codes of the pulse sequence, without any word.

The thresholds are those of textbooks for 1.5 and 3 T, wide enough that what they decide is hardly ever disputed.
"""

from __future__ import annotations

from spinecho.encoders.acquisition.evidence import Evidence
from spinecho.encoders.acquisition.facts import Sequence


def by_timing(evidence: Evidence) -> Sequence:
    """TR, TE, TI and flip angle alone (ms, degrees)."""
    kinds, te, tr, ti = evidence.scanning_sequence, evidence.te_ms, evidence.tr_ms, evidence.ti_ms
    flip = evidence.flip_deg
    if te is None or tr is None or not kinds:
        return "unknown"
    if "EP" in kinds and "SE" not in kinds and te >= 15 and (tr >= 200 or "GR" in kinds):
        return "T2*"
    if "EP" in kinds:
        return "unknown"
    if "GR" in kinds and "SE" not in kinds:
        return _of_gradient_echo(te, tr, ti, flip, "IR" in kinds or "MP" in evidence.variant)
    if "SE" in kinds or "IR" in kinds:
        if ti is not None and "IR" in kinds:
            if 1400 <= ti <= 3200 and tr >= 4000:
                return "FLAIR"
            if 80 <= ti <= 300 and tr >= 1500:
                return "STIR"
            if 300 < ti < 1300:
                return "T1" if te < 50 else "unknown"
        if te <= 35 and tr <= 1200:
            return "T1"
        if te >= 60 and tr >= 1800:
            return "T2"
        if te <= 50 and tr >= 1800:
            return "PD"
    return "unknown"


def is_spoiled_t1(evidence: Evidence) -> bool:
    """Whether the codes say plainly that it is a spoiled gradient echo, in no steady state that would bear T2."""
    return "SP" in evidence.variant and not evidence.variant & {"SS", "TRSS"} and by_timing(evidence) == "T1"


def _of_gradient_echo(te: float, tr: float, ti: float | None, flip: float | None, is_prepared: bool) -> Sequence:
    if is_prepared and ti is not None and 300 <= ti <= 1500 and te <= 10:
        return "T1"
    if te >= 14 and tr >= 20:
        return "T2*"
    if te <= 10 and flip is not None:
        if tr <= 15 and 8 <= flip <= 35:
            return "T1"
        if 60 <= tr <= 600 and flip >= 50:
            return "T1"
        if 15 < tr < 60 and flip >= 20:
            return "T1"
    return "unknown"
