"""A patient's name, birth date and address in a report's head become no passage; findings always do."""

from __future__ import annotations

import pytest

from spinecho.indexer.reports.parsing.identity import report_passages

HEADS = [
    "Patient Name: DOE, JANE", "Patient: Jane Doe", "Name: Jane Doe", "DOB: 01/02/1970", "Date of birth: 2 Feb 1970",
    "Address: 5 Mill Lane, Springfield", "Patientin: Erika Mustermann", "Nachname: Mustermann", "geb. am 01.02.1970",
    "Geburtsdatum: 01.02.1970", "Anschrift: Heidestraße 17, 51147 Köln", "wohnhaft in Köln, Heidestraße 17",
    "Frau Erika Mustermann, geb. 01.02.1970", "Nom: DUPONT", "Prénom: Marie", "Née le 01/02/1970",
    "Date de naissance : 01/02/1970", "Adresse : 3 rue de Lille, Paris", "Nombre: GARCIA LOPEZ, Ana",
    "Fecha de nacimiento: 01/02/1970", "Domicilio: Calle Mayor 3, Madrid", "Phone: 555 0100 200",
]  # fmt: skip
NAMES = ("doe", "mustermann", "dupont", "garcia", "1970", "mill lane", "heidestra", "rue de", "calle", "marie", "0100")
BODY = "FINDINGS:\nA 5 mm lesion in the left thalamus.\nIMPRESSION:\nCavernoma."


@pytest.mark.parametrize("head", HEADS)
def test_a_head_that_names_the_patient_is_no_passage(head: str) -> None:
    found = [one.text for one in report_passages(f"{head}\nMRI BRAIN\n\n{BODY}")]
    assert found == ["A 5 mm lesion in the left thalamus.", "Cavernoma."]


def test_a_whole_head_is_left_out_and_places_are_those_of_the_text() -> None:
    text = "\n".join([*HEADS, "", BODY])
    found = report_passages(text)
    assert not any(name in one.text.lower() for one in found for name in NAMES)
    assert [text[one.start : one.end] for one in found] == [one.text for one in found]
    assert len(found) == 2


@pytest.mark.parametrize(
    "sentence",
    ["Patient with a lesion in the left thalamus.", "Birth injury with a haematoma.", "Address the stenosis at L4/5.",
     "Patient moved during the scan.", "Name of lesion unknown."],
)  # fmt: skip
def test_sentences_about_the_body_stay(sentence: str) -> None:
    assert sentence in [one.text for one in report_passages(f"FINDINGS:\n{sentence}\n")]
