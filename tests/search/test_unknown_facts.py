"""A condition read out of words: a fact that nobody stored counts against no study where nothing else fits."""

from __future__ import annotations

from collections.abc import Iterator

import pydicom
import pytest
from small_studies import small_study, study_uid

import spinecho

WOMAN, MAN, NOBODY = (study_uid(number) for number in range(3))


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[spinecho.Archive]:
    """A woman of 70, a man of 50, and a study that says nothing of its patient."""
    folder = tmp_path_factory.mktemp("unknown")
    for number, (sex, age) in enumerate([("F", "070Y"), ("M", "050Y"), ("", "")]):
        for path in small_study(folder / "archive", number, series=1):
            header = pydicom.dcmread(path)
            header.PatientSex, header.PatientAge = sex, age
            header.save_as(path)
    with spinecho.open(folder / "home", create=True) as opened:
        opened.index(folder / "archive")
        yield opened


@pytest.mark.parametrize(
    ("words", "where", "fit"),
    [
        ("brain MRI", "", {WOMAN, MAN, NOBODY}),
        ("brain MRI of a woman", "", {WOMAN}),  # who is known to be one answers, and nobody else
        ("brain MRI of a woman over 60", "", {WOMAN}),
        ("brain MRI of a child", "", {NOBODY}),  # the others are known not to be
        ("brain MRI of a woman under 30", "", {NOBODY}),
        ("brain MRI of a child", "sex=M", set()),
        ("brain MRI of a man", "sex=F", set()),
        ("brain MRI, not female", "", {MAN, NOBODY}),
    ],
)
def test_what_is_not_known_counts_against_nobody_where_nothing_else_fits(
    archive: spinecho.Archive, words: str, where: str, fit: set[str]
) -> None:
    found = archive.search(words, **({"where": where} if where else {}))
    assert {hit.study.uid for hit in found if hit.fits} == fit
    told = any("is recorded of no study that fits" in one for one in found.warnings)
    assert told == (fit == {NOBODY})


def test_what_was_turned_on_by_hand_stays_as_it_is(archive: spinecho.Archive) -> None:
    assert not list(archive.search("brain MRI", where="age<18"))


def test_no_contrast_where_only_contrast_is_recorded_leaves_out_what_is_known(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Unknown is not no: studies without a record are shown, and the answer says that it is not known."""
    folder = tmp_path_factory.mktemp("contrast")
    for number, agent in enumerate(["GADOVIST", "", ""]):
        for path in small_study(folder / "archive", number, series=1):
            header = pydicom.dcmread(path)
            header.ContrastBolusAgent = agent
            header.SeriesDescription = "t1 post contrast" if agent else "t1"
            header.save_as(path)
    with spinecho.open(folder / "home", create=True) as opened:
        opened.index(folder / "archive")
        recorded = opened.search("contrast:yes")
        assert {hit.study.uid for hit in recorded} == {study_uid(0)}
        for words in ("no contrast", "brain MRI without contrast"):
            found = opened.search(words)
            assert {hit.study.uid for hit in found} == {study_uid(1), study_uid(2)}, words
            assert any("no study here is recorded as without contrast" in one for one in found.warnings), words
