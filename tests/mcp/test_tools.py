"""The tools as an assistant meets them: by the SDK's own client, in memory and as a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from assistants import TOOLS, called, everything, refused
from loops import run_apart
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from pages import acts

import spinecho
from spinecho.ui.mcp import answers
from spinecho.ui.mcp.server import server_of


def test_every_tool_answers_by_its_schema_and_leaves_rows(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                await everything(client)

    run_apart(run)
    asked = [act.facts["tool"] for act in acts(home, "assistant")]
    assert sorted(asked) == sorted([*TOOLS, "study"])
    assert {"search", "view", "count"} <= {act.action for act in acts(home)}


def test_that_nothing_relevant_was_found_is_said(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                found = await called(client, "search_studies", words="zebra migration in the tax office", k=3)
                assert found["found"] == "only_alike"
                assert found["message"].startswith("Nothing relevant was found")
                assert not any(one["fits"] for one in found["hits"])
                assert found["warnings"]
                empty = await called(client, "search_studies", words="brain", where="age>=119")
                assert (empty["found"], empty["hits"]) == ("nothing", [])

    run_apart(run)


def test_how_many_fit_of_all_that_was_compared_is_in_the_message(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                whole = await called(client, "search_studies", words="normal brain", k=50)
                fit, compared = sum(one["fits"] for one in whole["hits"]), len(whole["hits"])
                assert compared > 1, "one shown is fewer than all"
                first = await called(client, "search_studies", words="normal brain", k=1)
                for answer in (whole, first):
                    assert f"Of all {compared} that were compared, {fit} fit" in answer["message"]
                listed = await called(client, "search_studies", where="sex=F,M", k=1)
                assert "compared" not in listed["message"], "a list by filters compares nothing"

    run_apart(run)


def test_what_cannot_be_asked_is_an_error_of_the_tool_with_value_and_remedy(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                assert "colour" in await refused(client, "facets", where="colour=blue")
                assert "1.2.3" in await refused(client, "get_report", study_uid="1.2.3")
                assert "less than or equal to 50" in await refused(client, "search_studies", words="brain", k=51)
                assert "pattern" in await refused(client, "similar_studies", study_uid="/etc/passwd")
                assert "empty" in await refused(client, "cohort_count", include=[" "])
                for uri in ("spinecho://study/1.2.3", "spinecho://study/x"):
                    with pytest.raises(MCPError, match=r"study|UID"):
                        await client.read_resource(uri)

    run_apart(run)
    assert len(acts(home, "assistant")) == 5, "what never reached a tool for its arguments leaves none"


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_an_argument_that_there_is_not_is_refused_and_named(home: Path, tool: str) -> None:
    """The SDK leaves it out: `filter="sex=F"` in place of `where` gave everybody, as if nothing had been asked."""

    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                listed = next(one for one in (await client.list_tools()).tools if one.name == tool)
                assert listed.input_schema["additionalProperties"] is False
                needed = dict.fromkeys(listed.input_schema.get("required", ()), "1.2.3")
                words = await refused(client, tool, **needed, filtre="sex=Fz", Where="x")
                assert "there is no argument 'filtre'" in words
                assert all(name in words for name in listed.input_schema["properties"])
                assert "sex=Fz" not in words, "what was given is not repeated"
                assert "pydantic" not in words

    run_apart(run)


def test_what_does_not_go_together_is_not_left_out(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                definition = {"include": [{"filter": "sex=F,M"}]}
                words = await refused(client, "cohort_count", definition=definition, study="first")
                assert '"index": {"study": "first"}' in words
                await called(client, "cohort_count", definition=definition)

    run_apart(run)


def test_a_list_by_filter_or_likeness_claims_no_evidence(home: Path) -> None:
    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                listed = await called(client, "search_studies", where="sex=F,M", k=2)
                alike = await called(client, "similar_studies", study_uid=listed["hits"][0]["study"]["uid"])
                for answer in (listed, alike):
                    assert "evidence" not in answer["message"]
                assert "no words were asked for" in listed["message"]
                assert "does not say that they show the same" in alike["message"]

    run_apart(run)


def test_small_counts_are_hidden(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINECHO_SMALLEST_COUNT", "5")

    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            async with Client(server_of(archive)) as client:
                counted = await called(client, "cohort_count", include=["sex=F"])
                assert (counted["studies"], counted["patients"]) == ("<5", "<5")
                values = await called(client, "facets", fields=["sex"], where="sex=F")
                assert values["studies"] == "<5"
                assert {one["total"] for one in values["fields"][0]["values"]} <= {"<5"}

    run_apart(run)


def test_a_long_report_is_read_piece_by_piece(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_REPORT", 40)

    async def run() -> None:
        with spinecho.open(home, device="cpu") as archive:
            study = archive.search("brain", k=1)[0].study
            assert study is not None
            whole = archive.study(study.uid).reports[0].text
            assert len(whole) > 80
            pieces, start = [], 0
            async with Client(server_of(archive)) as client:
                while start is not None:
                    answer = await called(client, "get_report", study_uid=study.uid, start=start)
                    report = answer["reports"][0]
                    assert len(report["quote"]) <= 40
                    assert report["characters"] == len(whole)
                    pieces.append(report["quote"])
                    start = report["next_start"]
            assert "".join(pieces) == whole

    run_apart(run)


def test_over_a_process_on_standard_input_and_output(home: Path) -> None:
    async def run() -> None:
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "spinecho.ui.cli.app", "mcp", "--home", str(home), "--device", "cpu"],
            env={name: value for name, value in os.environ.items() if not name.startswith("SPINECHO_")},
        )
        async with Client(stdio_client(server)) as client:
            await everything(client)

    run_apart(run)
    assert len(acts(home, "assistant")) == 6
