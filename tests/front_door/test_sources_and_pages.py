"""Sources from both doors, and more hits than fit on a page of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from doors import SECRET
from loops import run_apart

import spinecho
from spinecho.archive import Archive
from spinecho.db.files.sources import SourceUnknown
from spinecho.indexer.sources.source import SourceDown, SourceSettings
from spinecho.remote.asked import asking
from spinecho.remote.asked.asking import Call, Reply

PACS = {"url": "http://127.0.0.1:9/dicom-web", "connect_timeout": 0.5, "modality": "MR"}


@pytest.fixture(params=["here", "afar"])
def door(request: pytest.FixtureRequest, here: Archive) -> Iterator[Any]:
    if request.param == "here":
        yield here
        return
    with spinecho.connect(request.getfixturevalue("address"), token=SECRET) as remote:
        yield remote


def test_a_source_from_its_adding_to_its_end(door: Any, here: Archive) -> None:
    added = door.sources.add("pacs", "dicomweb", **PACS)
    try:
        assert (added,) == door.sources.list() == here.sources.list()
        with pytest.raises(SourceUnknown, match="pacs"):
            door.sources.add("pacs", "dicomweb", **PACS)
        with pytest.raises(SourceDown):
            door.sources.test("pacs")
    finally:
        assert here.sources.remove("pacs") == added
    for name in ("nowhere / at all", "nowhere", "", ".."):
        for act in (door.sources.remove, door.sources.test):
            with pytest.raises(SourceUnknown):
                act(name)
    for kind, settings in (("dicomweb", {"url": "ftp://x"}), ("nothing", {}), ("dicomweb", {})):
        with pytest.raises(SourceSettings):
            door.sources.add("wrong", kind, **settings)
    assert door.sources.list() == ()


def test_what_names_a_file_there_is_given_there(address: str) -> None:
    with (
        spinecho.connect(address, token=SECRET) as remote,
        pytest.raises(SourceSettings, match="on the archive's machine"),
    ):
        remote.sources.add("pacs", "dicomweb", url="https://pacs.example/x", token_file="/etc/shadow")


def test_sources_are_awaited(address: str) -> None:
    async def listed() -> Any:
        async with spinecho.connect_async(address, token=SECRET) as remote:
            return await remote.sources.list()

    assert run_apart(listed) == ()


@pytest.mark.parametrize("page", [1, 2, 3])
def test_pages_together_are_what_is_asked_for(
    address: str, here: Archive, first: str, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_PAGE", page)
    with spinecho.connect(address, token=SECRET) as remote:
        for k in (3, 4, 50):
            for ours, theirs in (
                (here.search("lesion", k=k), remote.search("lesion", k=k)),
                (here.similar(study=first, k=k), remote.similar(study=first, k=k)),
            ):
                assert [(hit.rank, hit.study) for hit in theirs] == [(hit.rank, hit.study) for hit in ours]
                assert len(theirs.to_json()["hits"]) == len(ours)
        with pytest.raises(spinecho.QueryError, match="10,000"):
            remote.search("lesion", k=10_001)


def _run(replies: list[dict[str, Any]]) -> tuple[Any, list[Call]]:
    """What pages give that are answered so, and what was asked for."""
    going, asked = asking._pages(Call("POST", "/api/v1/search", {"k": 2500}), 2500), []
    try:
        call = next(going)
        for body in replies:
            asked.append(call)
            call = going.send(Reply(200, b"", body))
    except StopIteration as end:
        return end.value, asked
    raise AssertionError("it asks on")


def test_pages_of_two_moments_are_never_put_together() -> None:
    old, new = ({"snapshot": name, "hits": [name] * 1000, "next": name} for name in ("old", "new"))
    end = {"snapshot": "new", "hits": ["new"] * 7, "next": None}
    found, asked = _run([old, new, new, new, end])
    assert found["hits"] == ["new"] * 2007
    assert [(one.body["k"], one.body.get("cursor")) for one in asked] == [
        (1000, None), (1000, "old"), (1000, None), (1000, "new"), (500, "new")
    ]  # fmt: skip
    with pytest.raises(spinecho.QueryError, match="again and again"):
        _run([old, new] * 3)
