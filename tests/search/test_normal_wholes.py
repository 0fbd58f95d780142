"""Normal is said of the whole that was asked for, not of a part, a property or what is left of it."""

from __future__ import annotations

import pytest

from spinecho.db.values import ClauseCard, PassageCard
from spinecho.encoders.language.clauses.assertions import clauses
from spinecho.encoders.language.findings import wish
from spinecho.encoders.language.places import places
from spinecho.encoders.language.query_words import parse_query
from spinecho.encoders.language.vocabulary import meant
from spinecho.search.answers.fold import fold
from spinecho.search.channels.clause_agreement import judge
from spinecho.search.channels.found import Found

WHOLES = {
    "brain": ("brain", "flow voids", "ventricles", "intracranial"),
    "knee": ("knee", "menisci", "cruciate ligaments", "knee"),
    "lumbar spine": ("lumbar spine", "facet joints", "conus", "lumbar"),
    "shoulder": ("shoulder", "rotator cuff", "labrum", "shoulder"),
    "liver": ("liver", "hepatic veins", "bile ducts", "hepatic"),
    "pelvis": ("pelvis", "bladder", "prostate", "pelvic"),
}
STRUCTURES = {"liver"}
"""Of these a property is how reports say that they are normal."""
ASKED = ("normal {0} MRI", "normal MRI of the {0}", "unremarkable {0}", "normal {0}")
OF_THE_WHOLE = (
    "Normal MRI of the {0}.", "Normal {0} MRI.", "The {0} is normal.", "Unremarkable MRI of the {0}.",
    "The {0} appears unremarkable.", "MRI of the {0} is within normal limits.", "Normal MRI of the {0} and the orbits.",
)  # fmt: skip
OF_A_PART = (
    "The {1} are intact.", "Normal {1}.", "Normal {2}.", "The {1} of the {0} are intact.", "{3} {1} are preserved.",
    "The {2} is unremarkable.", "Normal {1} and {2} of the {0}.", "The orbits are normal.",
)  # fmt: skip
OF_A_PROPERTY = (
    "Normal alignment of the {0}.", "Signal of the {0} is normal.", "The {0} is normal in size.",
    "Normal enhancement of the {0}.", "{0} volume is normal.",
)  # fmt: skip
OF_THE_REST = (
    "The rest of the {0} is normal.", "The remainder of the {0} is unremarkable.", "Otherwise normal {0}.",
    "The {0} is otherwise unremarkable.", "Remaining {0} is normal.",
)  # fmt: skip
NOT_THE_WHOLE = OF_A_PART + OF_A_PROPERTY + OF_THE_REST


def fits(asked: str, said: str) -> bool:
    """By a sentence that lies near to the question in meaning, as these do."""
    cards = tuple(
        ClauseCard(
            0, len(one.text), one.text, one.assertion, one.by, one.cue, one.sides, places(one.text), meant(one.text)
        )
        for one in clauses(said)
    )
    card = PassageCard(1, 1, 1, None, None, "findings", said, "absent", frozenset(), cards)
    made = Found({1: 0.8})
    made.evidence[1].passages.append(judge(parse_query(asked), card, 0.8))
    return fold(made, wish(asked), {"sentences": 0.35}).evidence[1].fits


@pytest.mark.parametrize("whole", sorted(WHOLES))
@pytest.mark.parametrize("asked", ASKED)
def test_a_whole_is_normal_where_the_whole_is_called_so(whole: str, asked: str) -> None:
    names = WHOLES[whole]
    question = asked.format(*names)
    assert [one for one in OF_THE_WHOLE if not fits(question, one.format(*names))] == []
    no = OF_A_PART + OF_THE_REST if whole in STRUCTURES else NOT_THE_WHOLE
    assert [one for one in no if fits(question, one.format(*names).capitalize())] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("normal flow voids", "Intracranial flow voids are preserved."),
        ("intact menisci", "The menisci of the knee are intact."),
        ("normal alignment of the lumbar spine", "Normal alignment of the lumbar spine."),
        ("rotator cuff is intact", "The rotator cuff is intact."),
        ("normal ventricles", "The ventricles are normal in size and the brain is normal."),
    ],
)
def test_a_part_or_a_property_that_is_asked_for_is_answered_by_itself(asked: str, said: str) -> None:
    assert fits(asked, said)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("normal ACL", "Intact ACL fibers."),
        ("normal Achilles tendon", "The Achilles tendon is intact."),
        ("normal median nerve", "The median nerve fibres are normal."),
        ("normal medial meniscus", "The medial meniscus is intact."),
    ],
)
def test_what_a_structure_is_made_of_is_the_structure(asked: str, said: str) -> None:
    assert fits(asked, said)
