"""Signal equations: from tissue and timing to the magnitude that a scanner measures.

Spin echo, inversion recovery, spoiled gradient echo and Stejskal-Tanner attenuation as in Bernstein, King and Zhou,
Handbook of MRI Pulse Sequences, 2004.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spinecho.indexer.phantom.atlas import BRAIN_BASE
from spinecho.indexer.phantom.model import SeriesPlan
from spinecho.indexer.phantom.tissue import HEAD_LABELS, TISSUES, Tissue


def nulling_ti(tr_ms: float, t1_ms: float) -> float:
    """The inversion time (ms) at which a tissue with this T1 gives no signal."""
    return t1_ms * math.log(2 / (1 + math.exp(-tr_ms / t1_ms)))


def signal(tissue: Tissue, plan: SeriesPlan, *, field_t: float) -> float:
    """Relative magnitude of pure tissue; for an ADC map the ADC itself in 1e-6 mm2/s."""
    if plan.sequence == "ADC":
        return 0.0 if tissue.kind in ("air", "fat") or tissue.pd < 0.2 else tissue.adc
    t1, t2, t2s = tissue.relaxation(field_t, contrast=plan.contrast)
    tr, te, ti = plan.tr_ms, plan.te_ms, plan.ti_ms
    if tissue.kind == "fat" and plan.echo_train > 1:
        t2 *= 1.25  # a train of refocusing pulses undoes J-coupling: fat looks brighter than its T2 says
    if plan.echo == "GR" and ti > 0:
        value = _prepared(t1, plan) * math.exp(-te / t2s)
    elif plan.echo == "GR":
        flip, e1 = math.radians(plan.flip_deg), math.exp(-tr / t1)
        value = math.sin(flip) * (1 - e1) / (1 - math.cos(flip) * e1) * math.exp(-te / t2s)
    elif ti > 0:
        value = abs(1 - 2 * math.exp(-ti / t1) + math.exp(-tr / t1)) * math.exp(-te / t2)
    else:
        value = (1 - math.exp(-tr / t1)) * math.exp(-te / t2)
    if plan.sequence == "DWI":
        value *= math.exp(-(plan.b_value or 0.0) * tissue.adc * 1e-6)
    if tissue.kind == "fat" and plan.fat_suppressed:
        value *= 0.06
    if tissue.kind == "flow":
        value *= _flow(tissue, plan)
    return tissue.pd * value


def _prepared(t1: float, plan: SeriesPlan, *, echo_ms: float = 7.0, echoes: int = 160) -> float:
    """MPRAGE: the steady state of inversion, low-angle train and rest (Deichmann et al., NeuroImage 2000;12:112)."""
    flip, train = math.radians(plan.flip_deg), echo_ms * echoes
    t1_star = 1 / (1 / t1 - math.log(math.cos(flip)) / echo_ms)
    limit = (1 - math.exp(-echo_ms / t1)) / (1 - math.exp(-echo_ms / t1_star))
    wait, rest = max(plan.ti_ms - train / 2, 0.0), max(plan.tr_ms - plan.ti_ms - train / 2, 0.0)
    e_wait, e_train, e_rest = math.exp(-wait / t1), math.exp(-train / t1_star), math.exp(-rest / t1)
    before = 1 - e_rest + e_rest * (limit * (1 - e_train) + e_train * (1 - e_wait))
    before /= 1 + e_rest * e_train * e_wait
    start = 1 - (1 + before) * e_wait
    return abs(limit + (start - limit) * math.sqrt(e_train)) * math.sin(flip)


def _flow(tissue: Tissue, plan: SeriesPlan) -> float:
    """What flow leaves of the signal: spin echoes lose moving blood, gradient echoes keep it."""
    if plan.echo == "GR":
        return 0.9
    slow = tissue is TISSUES["sinus"]
    if plan.contrast:
        return 0.75 if slow else 0.3
    return 0.25 if slow else 0.04


def palette(plan: SeriesPlan, *, field_t: float) -> NDArray[np.float32]:
    """Signal of every voxel code of the atlas: head labels, then grey/white/CSF mixtures. (BRAIN_BASE + 4096,)"""
    table = np.zeros(BRAIN_BASE + 4096, np.float32)
    for code, name in enumerate(HEAD_LABELS):
        table[code] = signal(TISSUES[name], plan, field_t=field_t)
    grey, white, csf = (signal(TISSUES[name], plan, field_t=field_t) for name in ("grey", "white", "csf"))
    g, w = np.meshgrid(np.arange(64) / 63, np.arange(64) / 63, indexing="ij")
    table[BRAIN_BASE:] = (g * grey + w * white + (1 - g - w).clip(0) * csf).ravel()
    return table
