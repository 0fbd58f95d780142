"""Clauses that are read twice: what a second reader changes, where a clause is cut, and what stays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spinecho.encoders.language.findings import Statement, statements_in
from spinecho.encoders.language.passages import passages
from spinecho.encoders.language.second_reading import LABELS, read_twice


class Says:
    """A reader that is sure of what it says of a term, in a sentence where a word of its own stands."""

    def __init__(self, of: Mapping[str, str], *, word: str = "") -> None:
        self.of, self.word, self.asked = of, word, list[tuple[str, str]]()

    def judge(self, asked: Sequence[tuple[str, int, int]]) -> NDArray[np.float32]:
        found = np.full((len(asked), len(LABELS)), 1e-6, np.float32)
        for row, (text, start, stop) in enumerate(asked):
            term = text[start:stop]
            self.asked.append((text, term))
            label = self.of.get(term.lower(), "present") if self.word in text else "present"
            found[row, LABELS.index(label)] = 1.0
        return found


def by_rules(text: str) -> list[tuple[str, tuple[Statement, ...]]]:
    return [(one.text, statements_in(one)) for one in passages(text)]


def twice(text: str, reader: Says) -> list[Statement]:
    return [one for clauses in read_twice(by_rules(text), reader) for one in clauses]


def told(text: str, reader: Says) -> list[tuple[str, str]]:
    return [(one.text, one.assertion) for one in twice(text, reader)]


def test_who_says_the_same_changes_nothing() -> None:
    text = "FINDINGS: No infarct. Meningioma of the left convexity, possible oedema. Status post craniotomy."
    reader = Says({})
    assert read_twice(by_rules(text), reader) == [clauses for _, clauses in by_rules(text)]
    assert [term for _, term in reader.asked] == ["Meningioma"]


@pytest.mark.parametrize(
    ("label", "assertion", "by"),
    [
        ("absent", "absent", "negation"),
        ("uncertain", "uncertain", "hedge"),
        ("historical", "historical", "history"),
        ("family", "uncertain", "family"),
    ],
)
def test_a_wording_that_no_rule_knows_is_what_the_reader_says(label: str, assertion: str, by: str) -> None:
    (clause,) = twice("Glioma qwertyish frabbed.", Says({"glioma": label}, word="frabbed"))
    assert (clause.assertion, clause.decided_by) == (assertion, by)
    assert clause.cue == "frabbed", "the word without which the reader would not say so"
    assert clause.concepts


def test_anatomy_that_nothing_ails_is_normal_and_not_denied() -> None:
    (clause,) = twice("The ventricles qwertyish frabbed.", Says({"ventricles": "absent"}, word="frabbed"))
    assert (clause.assertion, clause.decided_by) == ("absent", "normal")


def test_a_size_that_a_later_clause_tells_stays_with_its_finding() -> None:
    text = "FINDINGS: Glioma qwertyish. It measures 4 x 3 cm."
    (before,) = [one for one in by_rules(text) if "Glioma" in one[0]]
    found = twice(text, Says({"glioma": "uncertain"}))[0]
    assert (found.assertion, found.high_mm) == ("uncertain", before[1][0].high_mm)
    assert found.high_mm == 40


def test_a_clause_is_cut_between_findings_of_which_other_things_are_said() -> None:
    text = "Qwerty frabbing abscess in the old infarct."
    assert told(text, Says({"abscess": "uncertain"})) == [
        ("Qwerty frabbing abscess", "uncertain"),
        ("in the old infarct.", "present"),
    ]


def test_one_who_is_not_sure_changes_nothing() -> None:
    class Unsure(Says):
        def judge(self, asked: Sequence[tuple[str, int, int]]) -> NDArray[np.float32]:
            return np.tile(np.array([0.15, 0.7, 0.05, 0.05, 0.05], np.float32), (len(asked), 1))

    assert told("Glioma qwertyish.", Unsure({})) == [("Glioma qwertyish.", "present")]


def test_what_rules_or_a_heading_have_a_word_for_and_what_names_nothing_is_not_asked() -> None:
    reader = Says({"glioma": "absent", "stroke": "absent", "infarct": "uncertain", "meningioma": "historical"})
    text = "FAMILY HISTORY:\nGlioma in the mother.\n\nPAST MEDICAL HISTORY:\nStroke.\n\nFINDINGS:\nAs described. "
    text += "No infarct. Possible meningioma. The ventricles are normal."
    assert read_twice(by_rules(text), reader) == [clauses for _, clauses in by_rules(text)]
    assert not reader.asked


WORDS = st.sampled_from(
    ["no", "glioma", "infarct", "and", ",", "possible", "left", "ventricle", "normal", "in 2019", "with", "cyst", "but",
     "the", "mass", "of 4 cm", "\n", "5 mm", "resolved", ";", "who", "tear", "meniscus"]
)  # fmt: skip


@given(st.lists(WORDS, min_size=1, max_size=14), st.dictionaries(
    st.sampled_from(["glioma", "infarct", "cyst", "mass", "tear"]), st.sampled_from(LABELS)
))  # fmt: skip
def test_every_word_is_in_one_clause_as_before(words: list[str], of: dict[str, str]) -> None:
    for text, clauses in by_rules(" ".join(words)):
        (found,) = read_twice([(text, clauses)], Says(of))
        flat = re.sub(r"\s", " ", text)
        assert all(flat[one.start : one.end] == re.sub(r"\s", " ", one.text) for one in found)
        assert all(one.end <= other.start for one, other in pairwise(found))
        held = [re.sub(r"[\s,;~|]", "", "".join(one.text for one in those)) for those in (clauses, found)]
        assert held[0] == held[1]
