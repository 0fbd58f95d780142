"""Asking the tools of `spinecho mcp` by the SDK's own client."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from mcp.client import Client

from spinecho.ui.mcp.shapes import NOTICE

TOOLS = {"search_studies", "similar_studies", "get_report", "cohort_count", "facets"}


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    """The structured answer, once it holds to the schema that the tool is listed with."""
    listed = {one.name: one for one in (await client.list_tools()).tools}
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    jsonschema.validate(result.structured_content, listed[tool].output_schema)
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert "Traceback" not in result.content[0].text
    return str(result.content[0].text)


async def everything(client: Client) -> str:
    """Each tool and the resource once; gives the UID of a study."""
    tools = (await client.list_tools()).tools
    assert {one.name for one in tools} == TOOLS
    for one in tools:
        assert one.annotations is not None
        assert one.annotations.read_only_hint is True
        assert one.output_schema is not None
        assert NOTICE in (one.description or "")
    found = await called(client, "search_studies", words="brain", k=3)
    assert [one["rank"] for one in found["hits"]] == [1, 2, 3]
    assert found["found"] == "relevant"
    best = found["hits"][0]
    assert best["channels"]
    assert {"quote", "section", "assertion"} <= set(best["sentences"][0])
    uid = str(best["study"]["uid"])
    alike = await called(client, "similar_studies", study_uid=uid, k=2)
    assert uid not in {one["study"]["uid"] for one in alike["hits"]}
    report = await called(client, "get_report", study_uid=uid)
    assert report["reports"][0]["quote"]
    assert report["notice"] == NOTICE
    counted = await called(client, "cohort_count", include=["sex=F,M"], exclude=["sex=M"])
    values = await called(client, "facets", fields=["sex"])
    by_value = {one["value"]: one["shown"] for one in values["fields"][0]["values"]}
    assert counted["studies"] == by_value["F"]
    read = (await client.read_resource(f"spinecho://study/{uid}")).contents[0]
    assert json.loads(read.text)["study"]["uid"] == uid
    return uid
