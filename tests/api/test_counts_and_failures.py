"""What a count and the list of failures hold is what the front door gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import Home, copy_of
from serving import UNBOUND, Served, open_served

import spinecho
from spinecho.ui.server.api.around.service import Door

MATCHED = """name = "cases and controls"
[match]
cases = { filter = "age<50" }
by = ["vendor"]
age_within = 90
controls = 1
"""


@pytest.fixture(scope="module")
def loose(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With reports that have no study, that several studies may be meant by, and that another stands in place of."""
    folder = tmp_path_factory.mktemp("loose")
    home, reports = copy_of(indexed, folder / "home"), folder / "reports"
    reports.mkdir()
    (accession,) = home.query("SELECT accession_number FROM studies ORDER BY uid LIMIT 1")[0]
    (reports / "nobody.txt").write_text("ACCESSION: NOBODY77\nFINDINGS: Normal brain.\n")
    for number in range(2):
        (reports / f"copy{number}.txt").write_text(f"ACCESSION: {accession}\nFINDINGS: Acute infarct, as before.\n")
    home.index(reports)
    with open_served(home, Door(alone=True), UNBOUND) as found:
        yield found


def test_reports_that_no_search_finds_are_listed_with_why(loose: Served) -> None:
    with spinecho.open(loose.settings.home, device="cpu") as archive:
        facts = archive.failures().facts
    told = loose.get("/failures").json()
    assert facts["reports_without_study"]
    for name in ("reports_without_study", "reports_out_of_search", "reports_charset_guessed"):
        kept = [{key: value for key, value in one.items() if key != "report_id"} for one in facts[name]]
        assert told[name] == [one | ({"studies": list(one["studies"])} if "studies" in one else {}) for one in kept]
    pages, cursor = [], None
    while True:
        page = loose.get("/failures", params={"k": 1} | ({"cursor": cursor} if cursor else {})).json()
        assert all(len(page[name]) <= 1 for name in ("failures", "reports_without_study", "reports_out_of_search"))
        pages.append(page)
        cursor = page["next"]
        if cursor is None:
            break
    for name in ("failures", "reports_without_study", "reports_out_of_search"):
        assert [one for page in pages for one in page[name]] == told[name]


def test_a_count_has_the_balance_of_the_front_door(loose: Served, tmp_path: Path) -> None:
    (tmp_path / "matched.toml").write_text(MATCHED)
    with spinecho.open(loose.settings.home, device="cpu") as archive:
        counted = archive.cohort(tmp_path / "matched.toml").count()
    assert counted.balance
    told = loose.post("/cohorts/count", {"toml": MATCHED}).json()
    assert told["balance"] == json.loads(json.dumps([dict(row) for row in counted.balance]))
    plain = 'name = "plain"\n[[include]]\nfilter = "sex=F"\n'
    assert loose.post("/cohorts/count", {"toml": plain}).json()["balance"] == []
