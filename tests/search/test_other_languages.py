"""A question in one language is answered by sentences in four, with their denials and sides."""

# ruff: noqa: E501 - sentences as they are written

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest
from archives import Home
from passage_cards import cards

sys.path.insert(0, str(Path(__file__).parent))

from scans import Scan, write_scans

from spinecho.encoders.language.query_words import parse_query
from spinecho.search.channels.clause_agreement import judge, violates
from spinecho.search.query import TextQuery

REPORTS = {
    "en left": "There is an acute infarct in the left hemisphere. No haemorrhage is seen. The discs are normal.",
    "de left": "Es zeigt sich ein Hirninfarkt links. Kein Nachweis einer Blutung. Ein Bandscheibenvorfall liegt nicht vor.",
    "fr left": "Il existe un infarctus sylvien gauche. Pas d'hémorragie. On ne retrouve pas de hernie discale.",
    "es left": "Se observa un infarto izquierdo. No hay signos de hemorragia. Sin hernia discal.",
    "de right": "Es findet sich ein frischer Infarkt rechts mit einer Einblutung. Bandscheibenvorfall in Höhe L5/S1.",
    "fr right": "Présence d'un infarctus occipital droit avec une hémorragie. Il existe une hernie discale L5-S1.",
    "es right": "Existe un infarto en el hemisferio derecho con hemorragia. Hernia discal L5-S1 en la columna.",
}
LEFT = {name for name in REPORTS if name.endswith("left")}


def answering(question: str) -> set[str]:
    """The reports of which a sentence holds what is asked, and nothing speaks against it."""
    query = parse_query(question)
    found = set()
    for name, report in REPORTS.items():
        hits = [judge(query, card, 0.8) for card in cards(report)]
        if any(hit.about and hit.holds and not hit.contradicts for hit in hits):
            found.add(name)
    return found


@pytest.mark.parametrize("question", ["left infarct", "Hirninfarkt links", "infarctus gauche", "infarto izquierdo"])
def test_a_left_infarct_is_answered_by_left_ones_only(question: str) -> None:
    assert answering(question) == LEFT


@pytest.mark.parametrize(
    "question", ["disc herniation", "Bandscheibenvorfall", "hernie discale", "hernia discal", "slipped disc"]
)
def test_a_disc_herniation_is_answered_where_it_is_affirmed(question: str) -> None:
    assert answering(question) == REPORTS.keys() - LEFT


@pytest.mark.parametrize(
    "question", ["no haemorrhage", "keine Blutung", "pas d'hémorragie", "sin hemorragia", "ohne Blutung"]
)
def test_a_condition_leaves_out_what_is_affirmed_in_any_language(question: str) -> None:
    query = parse_query(question)
    assert {name for name, report in REPORTS.items() if violates(query, cards(report))} == REPORTS.keys() - LEFT


def test_a_report_in_a_language_without_rules_is_left_out_by_no_condition() -> None:
    report = "Não há sinais de hemorragia. Sem evidência de lesões na fossa posterior do crânio."
    assert not violates(parse_query("no haemorrhage"), cards(report))


def test_a_letter_in_two_characters_is_the_same_letter(tmp_path: Path) -> None:
    """Some systems write "Ö" as an O and its dots."""
    said = "Knöchernes Ödem am Schädel, Größe 12 mm."
    scans = [
        Scan(number, f"FINDINGS: {unicodedata.normalize(form, said)}") for number, form in enumerate(("NFC", "NFD"), 41)
    ]
    home = Home(tmp_path / "home")
    home.index(write_scans(tmp_path / "scans", [*scans, Scan(43, "FINDINGS: Normal.")]))
    engine = home.engine()
    for form in ("NFC", "NFD"):
        results = engine.search(TextQuery(unicodedata.normalize(form, '"Schädel" Ödem'), by="words"))  # type: ignore[arg-type]
        assert {hit.study.uid for hit in results.hits[:2] if hit.study} == {one.uid for one in scans}
        assert len({hit.score for hit in results.hits[:2]}) == 1
