"""One archive through both doors, on this machine and over HTTP: the same answers, and the same refusals."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from doors import SECRET, answering
from loops import run_apart
from pages import Indexed

import spinecho
from spinecho.db.errors import FilterError
from spinecho.db.filters.typed import FilterSyntaxError
from spinecho.encoders.language.query_words import EmptyQuery
from spinecho.remote.archive import RemoteArchive
from spinecho.remote.problems import error_of
from spinecho.remote.wire import Address


@pytest.fixture(scope="module")
def address(indexed: Indexed) -> Iterator[str]:
    with answering(indexed.home, jobs=0) as url:
        yield url


@pytest.fixture(scope="module", params=["here", "afar"])
def door(request: pytest.FixtureRequest, archive: Any) -> Iterator[Any]:
    if request.param == "here":
        yield archive
        return
    with spinecho.connect(request.getfixturevalue("address"), token=SECRET) as remote:
        yield remote


def _facts(hits: Any) -> list[Any]:
    return [
        (
            one.rank, round(one.score, 4), one.fits, one.study, one.sentences and [s.text for s in one.sentences],
            [s.highlights for s in one.sentences], [s.uid for s in one.series], one.report, one.key_image,
            one.accession_number, one.same_exam, [s.region and dict(s.region.slices) for s in one.series],
        )
        for one in hits
    ]  # fmt: skip


def test_searches_are_the_same(door: Any, archive: Any) -> None:
    for asked in ({"words": "lesion"}, {"where": "sequence=T1"}, {"words": "lesion", "reports": True, "k": 2}):
        found = door.search(**asked)
        assert _facts(found) == _facts(archive.search(**asked)), asked
        assert len(found)
        assert found.warnings == archive.search(**asked).warnings


def test_studies_that_look_alike_are_the_same(door: Any, archive: Any, indexed: Indexed) -> None:
    uid = archive.search("lesion")[0].study.uid
    assert _facts(door.similar(study=uid, k=2)) == _facts(archive.similar(study=uid, k=2))
    scan = next(one.parent for one in sorted(indexed.files.rglob("*.dcm")))
    assert _facts(door.similar(scan, k=2)) == _facts(archive.similar(scan, k=2))
    assert door.reports_for(study=uid, k=1)[0].report == archive.reports_for(study=uid, k=1)[0].report


def test_a_study_and_its_voxels_are_the_same(door: Any, archive: Any) -> None:
    uid = archive.search("lesion")[0].study.uid
    ours, theirs = door.study(uid), archive.study(uid)
    assert (ours.uid, ours.date, ours.reports, ours.key_image) == (
        theirs.uid, theirs.date, theirs.reports, theirs.key_image
    )  # fmt: skip
    assert [one.uid for one in ours.series] == [one.uid for one in theirs.series]
    assert [one.flags for one in ours.series] == [one.flags for one in theirs.series]
    assert (ours.groups, ours.others) == (theirs.groups, theirs.others)
    first, same = ours.series[0].volume(), theirs.series[0].volume()
    assert np.array_equal(first.voxels, same.voxels)
    assert np.array_equal(first.affine, same.affine)
    with pytest.raises(spinecho.QueryError, match="counted from 0"):
        ours.series[0].volume(99)


def test_counts_are_the_same(door: Any, archive: Any) -> None:
    assert dict(door.facets("sequence", where="age>1")) == dict(archive.facets("sequence", where="age>1"))
    assert door.failures().failures == archive.failures().failures
    assert door.status()["archive"] == archive.status()["archive"]


def test_thumbs_are_kept_through_either(door: Any, archive: Any) -> None:
    uid = archive.search("lesion")[0].study.uid
    door.rate("cyst", {uid: 1})
    assert door.verdicts("cyst") == {uid: 1} == archive.verdicts("cyst")
    door.rate("cyst", {uid: 0})
    assert archive.verdicts("cyst") == {}


def test_what_cannot_be_asked_is_refused_alike(door: Any) -> None:
    with pytest.raises(spinecho.QueryError, match=r"no study"):
        door.study("1.2.3.4")
    with pytest.raises(spinecho.QueryError, match=r"no study"):
        door.study("../../metrics")
    with pytest.raises(FilterError, match="sequense"):
        door.search("lesion", where="sequense=T1")
    with pytest.raises(FilterSyntaxError) as wrong:
        door.search("lesion", where="sequence=T1 and and")
    assert wrong.value.position > 1
    assert wrong.value.expected
    with pytest.raises(EmptyQuery):
        door.search("...")
    with pytest.raises(spinecho.QueryError, match="verdict"):
        door.rate("lesion", {"1.2": 7})
    with pytest.raises(spinecho.QueryError):
        door.rate("lesion", dict.fromkeys((f"1.2.{n}" for n in range(1_001)), 1))
    with pytest.raises(spinecho.QueryError):
        door.why(door.search("lesion")[0].study.uid, "lesion " * 300)
    with pytest.raises(spinecho.NoScan):
        door.similar("/nowhere/at/all")


def test_coroutines_answer_the_same(address: str, archive: Any) -> None:
    async def ask() -> tuple[Any, Any, Any]:
        remote: Any
        async with spinecho.connect_async(address, token=SECRET) as remote:
            found, counts = await asyncio.gather(remote.search("lesion"), remote.facets("sequence"))
            study = await remote.study(found[0].study.uid)
            return found, counts, await remote.volume(study.series[0].uid)

    found, counts, volume = run_apart(ask)
    assert _facts(found) == _facts(archive.search("lesion"))
    assert dict(counts) == dict(archive.facets("sequence"))
    assert np.array_equal(volume.voxels, archive.study(found[0].study.uid).series[0].volume().voxels)


def test_a_token_is_shown_nowhere(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with spinecho.connect(address, token="not-the-secret") as remote:
        assert "not-the-secret" not in repr(remote)
        with pytest.raises(spinecho.SpinechoError) as refused:
            remote.search("lesion")
        assert "not-the-secret" not in str(refused.value)
    monkeypatch.setenv("SPINECHO_TOKEN", SECRET)
    with spinecho.connect(address) as remote:
        assert len(remote.search("lesion"))
    with pytest.raises(spinecho.ArchiveClosed):
        remote.search("lesion")


@pytest.mark.parametrize(
    "url", ["http://hospital.example", "ftp://127.0.0.1", "https://me:secret@hospital.example", "x"]
)
def test_an_address_that_would_give_a_token_away_is_refused(url: str) -> None:
    with pytest.raises(spinecho.SettingsError) as refused:
        spinecho.connect(url)
    assert "secret@" not in str(refused.value)
    assert Address.of("http://hospital.example", insecure=True).url == "http://hospital.example"


@pytest.mark.parametrize(
    "given",
    [
        *(
            {"url": url}
            for url in (
                "http://[::1", "https://a:99999", "https://a:0", "https://a b", "https://a\nb", "https://a\x00", "",
                None, 5, b"https://a",
            )
        ),
        {"token": 5}, {"token": b"x"}, {"timeout": "soon"}, {"timeout": 0}, {"timeout": float("nan")},
        {"timeout": None},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(given: dict[str, Any]) -> None:
    for connect in (spinecho.connect, spinecho.connect_async):
        with pytest.raises((spinecho.SettingsError, spinecho.QueryError)):
            connect(**{"url": "https://hospital.example"} | given)  # type: ignore[arg-type]
    assert Address.of(" https://hospital.example/ \n").url == "https://hospital.example"


def _answering(*statuses: int) -> tuple[RemoteArchive, list[str]]:
    asked: list[str] = []
    left = iter(statuses)

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(next(left), json={"verdicts": {}}, headers={"Retry-After": "0"})

    client = httpx.Client(base_url="https://a.example", transport=httpx.MockTransport(answer))
    return RemoteArchive(Address("https://a.example"), client), asked


def test_reads_are_sent_again_and_writes_are_not() -> None:
    remote, asked = _answering(503, 429, 200)
    assert remote.verdicts("lesion") == {}
    assert len(asked) == 3
    remote, asked = _answering(503, 200)
    with pytest.raises(spinecho.Unreachable):
        remote.rate("lesion", {})
    assert asked == ["PUT"]
    remote, asked = _answering(302)
    with pytest.raises(spinecho.Unreachable, match="302"):
        remote.verdicts("lesion")


def test_what_needs_the_machine_itself_says_so() -> None:
    remote, _ = _answering()
    for name in ("index", "predict", "builds"):
        with pytest.raises(spinecho.NotFromAfar, match=name):
            getattr(remote, name)
    assert type(error_of(403, {"type": "urn:spinecho:problem:out-of-scope", "detail": "no"})).__name__ == "Refused"
    assert type(error_of(418, "tea")) is spinecho.QueryError
