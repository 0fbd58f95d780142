"""What does each clause of a text say of its finding: there, not there, perhaps, or of the past?

Rules of the NegEx family (Chapman et al. 2001, J Biomed Inform 34:301-310), with ConText's ended scopes, history and
other people (Harkema et al. 2009, J Biomed Inform 42:839-851) and a third answer for hedges as in NegBio (Peng et al.
2018, AMIA CRI) and CheXpert (Irvin et al. 2019). No list of findings is asked for: a text is cut at marks,
conjunctions and where a cue's reach ends, and each part is judged whole.

What the answers mean, decided once (the conventions, with their sources: docs/language.md):

historical it is told of the patient's past and not of this scan ("Status post resection.", "history of melanoma");
           what is left of it there ("old infarct", "postoperative changes") is present.
absent     a finding is denied (`by` "negation"), or normality is stated ("The ventricles are normal": `by` "normal"),
           of anatomy in whatever words ("The ventricles keep their width": `normal_anatomy`).
uncertain  a finding is hedged or a differential (`by` "hedge"), or asked about, looked for or a mere risk (`by`
           "question"); or it is of the family (`by` "family"): nobody's finding, which neither affirms nor denies it
           of this patient.
present    everything else, also what is no finding ("T1 and T2 were acquired"), stability ("no change in the
           meningioma": it is there), and "consistent with".

What a finding is denied to do is absent, the finding itself is not: "the lesion" | "does not enhance". Anatomy that is
denied to be abnormal is absent whole: "the ventricles are not enlarged". A thing named with "the" inside a denial is
there: "no enhancement" | "within the cyst".

A sentence is present if any clause is, else uncertain, else historical, else absent; a clause that only names the
examination ("Axial T2 image, ...") or what a denial or doubt is about ("swelling" | "that may reflect seizures")
decides nothing beside another. So "No haemorrhage, but a 2 cm mass" is present; `clauses` tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spinecho.encoders.language.clauses.bounds import EXAMINATION, SHOWS
from spinecho.encoders.language.clauses.cues import cues
from spinecho.encoders.language.clauses.judge import judge
from spinecho.encoders.language.clauses.segment import Assertion, By
from spinecho.encoders.language.finding_words import names_finding
from spinecho.encoders.language.laterality import Side, sides

__all__ = ["Assertion", "By", "Clause", "clauses", "is_normality", "sentence_assertion", "strongest", "trimmed"]

_STRONGEST: tuple[Assertion, ...] = ("present", "uncertain", "historical", "absent")


@dataclass(frozen=True, slots=True)
class Clause:
    """`sentence[start:end] == text`. The conjunction that opens a clause belongs to it.

    `cue` is the word or words that decided, as they stand in the sentence, "" where nothing did. `measure` is a later
    clause that tells its size: `clauses.measures`.
    """

    start: int
    end: int
    text: str
    assertion: Assertion
    sides: frozenset[Side]
    cue: str = ""
    by: By = "nothing"
    measure: str = ""


def clauses(sentence: str, language: str = "en") -> tuple[Clause, ...]:
    """The text's clauses in order, covering all its words but list marks; () for a text without any.

    language: "en", or one of `languages.READ` that the text is in.
    """
    return tuple(
        Clause(
            a,
            b,
            sentence[a:b],
            one.assertion,
            sides(" ".join(sentence[a:b].split())),
            sentence[slice(*one.cue)],
            one.by,
        )
        for one in judge(sentence, language)
        for a, b in [trimmed(sentence, one.start, one.end)]
        if a < b
    )


def sentence_assertion(sentence: str, language: str = "en") -> Assertion:
    """One answer for the sentence: present before uncertain before historical before absent."""
    if language != "en":
        return strongest(one.assertion for one in judge(sentence, language))
    found = [one for one in judge(sentence) if not one.aside] or judge(sentence)
    given = {one.assertion for one in found if not _only_names_examination(sentence[one.start : one.end])}
    return strongest(given or {one.assertion for one in found})


def strongest(answers: Iterable[Assertion]) -> Assertion:
    """One answer for many: present before uncertain before historical before absent; present for none."""
    given = set(answers)
    return next((answer for answer in _STRONGEST if answer in given), "present")


def is_normality(text: str) -> bool:
    """Whether a question asks for normality: "normal knee", "intact ACL", "no abnormality".

    A question that asks for a finding too does not ("normal knee with effusion"), nor does one where "normal" is part
    of a name ("normal pressure hydrocephalus", "normal variant").
    """
    found = [one for one in judge(text) if not _only_names_examination(text[one.start : one.end])]
    return bool(found) and all(one.by == "normal" for one in found)


def _only_names_examination(text: str) -> bool:
    heard = " ".join(text.lower().split())
    if EXAMINATION.search(heard) is None:
        return False
    for verb in SHOWS.finditer(heard):
        shown = heard[verb.end() :].strip(" ,.")
        if shown and EXAMINATION.search(shown) is None:
            return False
    return not names_finding(heard) and next(cues(heard), None) is None


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The place of a clause without the spaces and marks around it."""
    while start < end and (text[start].isspace() or text[start] in ",;~|"):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in ",;~|"):
        end -= 1
    return start, end
