"""A value that no study has is an error that names those which do, at every door and for every counted field."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from serving import Served
from typer.testing import CliRunner

import spinecho
from spinecho.answering.connection import read_where
from spinecho.db.errors import FilterError
from spinecho.db.filters.coded import CODED
from spinecho.search.query import TextQuery
from spinecho.ui.cli.app import app

NEVER = {
    "sex": "X", "contrast": "perhaps", "plane": "spiral", "sequence": "T7", "vendor": "Acme", "model": "Acme 9",
    "body_region": "wing", "field_strength": "23.5", "side": "upper", "technique": "spiral",
    "b_value": "23", "dixon": "ice", "component": "lunar", "computed": "drawing",
}  # fmt: skip
Door = Callable[[Served, spinecho.Archive, str], str]


def by_api(path: str, body: dict[str, object]) -> Door:
    def ask(served: Served, _front: spinecho.Archive, where: str) -> str:
        answer = served.post(path, {**body, "where": where})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:spinecho:problem:filter-error"), answer.text
        return str(answer.json()["detail"])

    return ask


def by_front_door(ask: Callable[[spinecho.Archive, str], object]) -> Door:
    def refused(_served: Served, front: spinecho.Archive, where: str) -> str:
        with pytest.raises(FilterError) as error:
            ask(front, where)
        return str(error.value)

    return refused


def by_command(*words: str) -> Door:
    def ask(served: Served, _front: spinecho.Archive, where: str) -> str:
        asked = [*words, "--where", where, "--home", str(served.settings.home)]
        answer = CliRunner().invoke(app, asked, env={"COLUMNS": "1000"})
        assert answer.exit_code
        return answer.output

    return ask


DOORS: dict[str, Door] = {
    "what the pages hold, counting": by_front_door(lambda front, where: front._personal().facets(read_where(where))),
    "what the pages hold, searching": by_front_door(
        lambda front, where: front._personal().search(TextQuery("lesion"), where=read_where(where))
    ),
    "Archive.facets": by_front_door(lambda front, where: front.facets(where=where)),
    "Archive.search": by_front_door(lambda front, where: front.search("lesion", where=where)),
    "POST /facets": by_api("/facets", {}),
    "POST /search": by_api("/search", {"words": "lesion"}),
    "spinecho facets": by_command("facets"),
}


@pytest.fixture(scope="module")
def front(served: Served) -> spinecho.Archive:
    return spinecho.open(served.settings.home, device="cpu")


def test_the_matrix_has_every_coded_field() -> None:
    assert set(NEVER) == set(CODED)


@pytest.mark.parametrize("field", sorted(NEVER))
@pytest.mark.parametrize("door", sorted(DOORS))
def test_every_door_names_the_values_that_occur(served: Served, front: spinecho.Archive, door: str, field: str) -> None:
    values = [one.value for one in front.facets(field)[field] if one.value not in ("", "unknown")]
    told = DOORS[door](served, front, f"{field}={json.dumps(NEVER[field])}")
    assert f"no study has {field}" in told
    assert "the archive has" in told
    assert all(value in told for value in values[:3])
    assert NEVER[field] in told
