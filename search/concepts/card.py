"""What is known of a taught concept, as plain values that name no study and no patient, and as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spinecho.db.people.masking import masked, masked_sizes
from spinecho.encoders.measuring.held_out import learned_here, learning_of
from spinecho.search.concepts.learning import ALIKE, PRECISION, Known, Line

_COUNTED = ("studies", "patients")
_JOINED = "studies with near-duplicates"


def judged(known: Known, line: Line, *, encoder: str) -> tuple[bool, str]:
    """(whether it can be learned from these, why). line: what would answer, which may never be sure enough to.

    No example is counted here: the card does, where small counts can be hidden.
    """
    low, high = known.interval
    quality = f"AUROC {known.auroc:.2f} ({low:.2f} to {high:.2f}) on held-out patients, chance 0.50"
    quality += _learned(known, encoder)
    if known.learnable:
        return True, quality + _never(line)
    if low <= 0.5:
        why = "the interval touches chance"
    else:
        why = f"shuffled labels reach {known.by_chance:.2f} in one of a hundred tries"
    return False, (
        f"not learnable from this: {quality}, and {why}. More examples may change that, or an encoder that sees it "
        "('spinecho encoders list', 'spinecho adapt')"
    )


def _learned(known: Known, encoder: str) -> str:
    """What an encoder that learned from this archive's reports knows of those that it was measured on."""
    if not learned_here(encoder):
        return ""
    if known.unseen:
        return " (the encoder did not learn from their reports either)"
    return f" (too good: {learning_of(encoder)}, and too few examples are of others)"


def _never(line: Line) -> str:
    """What a head that knows more than chance does not answer all the same; '' where it says yes and no."""
    mute = [word for word, least in (("yes", line.yes), ("no", line.no)) if least > 1]
    if not mute:
        return ""
    return (
        f". With so few examples it is never sure enough to say {' or '.join(mute)} of a study, so that "
        f"{' and '.join(f'={word}' for word in mute)} {'finds' if len(mute) == 1 else 'find'} none until it is taught "
        f"from more"
    )


def card_of(
    *, name: str, encoder: str, space: str, owner: str, reads: str, sources: Sequence[str], against: str,
    positives: Mapping[str, int], negatives: Mapping[str, int], measured: Mapping[str, int],
    left_out: Mapping[str, int], known: Known, line: Line, learnable: bool, why: str, seconds: float,
    further: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """One plain object. further: what it takes to teach it again from the same sources."""
    return {
        **further,
        "concept": name, "encoder": encoder, "space": space, "reads": reads, "taught_by": owner,
        "sources": list(sources), "against": against, "positives": dict(positives), "negatives": dict(negatives),
        "left_out": {why: count for why, count in left_out.items() if count},
        "groups": {"count": known.groups, "cosine": ALIKE, _JOINED: known.joined},
        "auroc": {
            "value": _short(known.auroc), "low": _short(known.interval[0]), "high": _short(known.interval[1]),
            "chance": 0.5, "shuffled": _short(known.by_chance),
            **measured, **({"unseen": known.unseen} if learned_here(encoder) else {}),
        },
        "calibration": {
            "brier": _short(known.brier), "brier_chance": _short(known.brier_chance),
            "error": _short(known.calibration_error),
            "share_of_positives": _short(known.share),
        },
        "answers": {
            "yes_from": _short(line.yes) if line.yes <= 1 else None,
            "no_from": _short(line.no) if line.no <= 1 else None, "precision": PRECISION,
            "answered": _short(known.answered), "right": None if known.right != known.right else _short(known.right),
        },
        "learnable": learnable, "why": why, "seconds": round(seconds, 1),
    }  # fmt: skip


def shown(card: Mapping[str, Any], smallest: int) -> dict[str, Any]:
    """With small counts hidden by the rule of cohorts: studies of few patients too, and what would tell them."""
    found = dict(card)
    if smallest <= 1:
        return found
    for side in ("positives", "negatives", "auroc"):
        part = dict(found.get(side) or {})
        if all(name in part for name in _COUNTED):
            sizes = masked_sizes(int(part["studies"]), int(part["patients"]), smallest)
            found[side] = part | dict(zip(_COUNTED, sizes, strict=True))
    if "by_uid" in found:
        found["by_uid"] = masked(int(found["by_uid"]), smallest)
    found["left_out"] = {why: masked(int(count), smallest) for why, count in dict(found.get("left_out") or {}).items()}
    groups = dict(found.get("groups") or {})
    found["groups"] = groups | {
        name: masked(int(groups[name]), smallest) for name in ("count", _JOINED) if int(groups.get(name, -1)) >= 0
    }
    calibration = dict(found.get("calibration") or {})
    found["calibration"] = calibration | {  # to four digits they are a fraction whose parts can be guessed
        name: round(float(calibration[name]), 1)
        for name in ("share_of_positives", "brier_chance")
        if name in calibration
    }
    return found


def text_of(card: Mapping[str, Any]) -> str:
    """For people, a line a fact."""
    positives, negatives, auroc = card["positives"], card["negatives"], card["auroc"]
    answers, calibration = card["answers"], card["calibration"]
    lines = [
        f"{card['concept']}: {card['why']}",
        f"taught from {', '.join(card['sources']) or 'studies by UID'}"
        + (f", against {card['against']}" if card["against"] else ""),
        f"with it: {positives['studies']} studies of {positives['patients']} patients; without it: "
        f"{negatives['studies']} of {negatives['patients']}",
        f"AUROC {auroc['value']:.3f} ({auroc['low']:.3f} to {auroc['high']:.3f}; chance 0.5, shuffled labels up to "
        f"{auroc['shuffled']:.3f}) by nested cross-validation, asked about {auroc['studies']} studies of "
        f"{auroc['patients']} patients in {card['groups']['count']} groups: {_groups(card)}",
        _says(answers),
        f"probabilities: Brier {calibration['brier']:.3f} (always the share of positives "
        f"{calibration['brier_chance']:.3f}), calibration error {calibration['error']:.3f}, for "
        f"{100 * calibration['share_of_positives']:.0f} % positives as among the examples",
        f"reads {card['reads']} of {card['encoder']} ({card['space']})",
    ]
    if learned_here(card["encoder"]) and not auroc.get("unseen"):
        lines.append(
            f"{learning_of(card['encoder'])}, and the figures are of these too: labels that come from the same reports "
            "are known better here than they will be of new patients"
        )
    lines += [f"left out: {count} {why}" for why, count in card["left_out"].items()]
    return "\n".join(lines)


def _groups(card: Mapping[str, Any]) -> str:
    joined = card["groups"][_JOINED]
    if isinstance(joined, int) and joined < 0:
        return "patients alone, as this encoder does not tell near-duplicates from others; figures may be too good"
    return f"patients, and near-duplicates above a cosine of {card['groups']['cosine']} ({joined} studies)"


def _says(answers: Mapping[str, Any]) -> str:
    yes, no = answers["yes_from"], answers["no_from"]
    sides = [
        f"yes from {yes:.2f} on" if yes is not None else "never yes",
        f"no from {1 - no:.2f} down" if no is not None else "never no",
    ]
    right = answers["right"]
    end = "" if right is None else f", {100 * right:.0f} % of these right"
    share = f"{100 * answers['answered']:.0f} % of held-out studies answered"
    return f"answers {', '.join(sides)}, unsure between: {share}{end}"


def _short(value: float) -> float:
    return round(float(value), 4)
