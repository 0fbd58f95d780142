"""An answer tells how many of what was compared fit, however few of them are shown."""

from __future__ import annotations

import pytest
from archives import Home
from typer.testing import CliRunner

import spinecho
from spinecho.search.answers.fold import fits_line
from spinecho.ui.cli.app import app


@pytest.mark.filterwarnings("ignore:.*could be read by others:UserWarning")  # the home that the tests share is open
@pytest.mark.parametrize("words", ["lesion", "lesion larger than 2 cm", "lesion over 1 mm", "normal brain"])
def test_the_number_that_fit_is_that_of_the_whole_list(indexed: Home, words: str) -> None:
    with spinecho.open(indexed.folder, device="cpu") as archive:
        whole = archive.search(words, k=100, key_images=False)
        first = archive.search(words, k=1, key_images=False)
    fit = sum(hit.fits for hit in whole)
    assert (first.plan["fit"], first.plan["compared"]) == (fit, len(whole))
    assert fits_line(first.plan).startswith(f"{fit} of {len(whole)} ")
    printed = CliRunner().invoke(
        app, ["search", "text", words, "--home", str(indexed.folder), "-k", "1", "--device", "cpu"]
    )
    assert f"{fit} of {len(whole)} that were compared fit" in printed.output


def test_a_list_by_filters_alone_tells_no_such_number() -> None:
    assert fits_line({"fitting": 3}) == ""
    assert fits_line({"fit": 1, "compared": 1, "want": "report"}) == "1 of 1 compared report fits"
