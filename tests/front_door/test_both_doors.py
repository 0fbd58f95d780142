"""Everything that an archive does, through both doors: on this machine and over HTTP. One server and one worker."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from doors import SECRET
from loops import run_apart
from pages import Indexed

import spinecho
from spinecho.access.acts import Acts
from spinecho.answering.lists import Cohort
from spinecho.archive import Archive
from spinecho.db.errors import FilterError, StoreError
from spinecho.db.filters.algebra import And, Filter, Is, Not, Or, Says
from spinecho.db.people.cohorts import CohortError
from spinecho.db.people.tokens import TokenError
from spinecho.db.queries.facets import COUNTABLE
from spinecho.filling.sources import Sources
from spinecho.remote.archive import NOT_FROM_AFAR
from spinecho.remote.record import AsyncRemoteActs, RemoteActs
from spinecho.remote.sources import AsyncRemoteSources, RemoteSources
from spinecho.search.access import cohorts as access
from spinecho.search.evaluation.judgements import JudgementError
from spinecho.ui.server.api.routes import long_cohorts

FLAIR = 'name = "flair"\n[[include]]\nfilter = "sequence=FLAIR"\n'


@pytest.fixture(scope="module", params=["here", "afar"])
def door(request: pytest.FixtureRequest, here: Archive) -> Iterator[Any]:
    if request.param == "here":
        yield here
        return
    with spinecho.connect(request.getfixturevalue("address"), token=SECRET) as remote:
        yield remote


@pytest.fixture
def flair(tmp_path: Path) -> Path:
    (tmp_path / "flair.toml").write_text(FLAIR)
    return tmp_path / "flair.toml"


@pytest.fixture(scope="module")
def afar(address: str) -> Iterator[Any]:
    """The far door alone: for what takes seconds, and is held against the near one anyway."""
    with spinecho.connect(address, token=SECRET) as remote:
        yield remote


def _parameters(method: Any) -> list[tuple[str, Any, Any]]:
    found = list(inspect.signature(method).parameters.values())[1:]
    return [(one.name, one.kind, one.default) for one in found]


@pytest.mark.parametrize(
    ("ours", "theirs", "missing"),
    [
        (Archive, spinecho.RemoteArchive, set(NOT_FROM_AFAR)),
        (Archive, spinecho.AsyncRemoteArchive, set(NOT_FROM_AFAR)),
        (Cohort, spinecho.RemoteCohort, set()),
        (Cohort, spinecho.AsyncRemoteCohort, set()),
        (Acts, RemoteActs, set()),
        (Acts, AsyncRemoteActs, set()),
        (Sources, RemoteSources, {"pull"}),
        (Sources, AsyncRemoteSources, {"pull"}),
    ],
)
def test_every_method_is_there_with_its_signature_or_stands_in_the_table(ours: Any, theirs: Any, missing: Any) -> None:
    public = {name for name in dir(ours) if not name.startswith("_")}
    assert missing <= public, "the table names what there is not"
    for name in sorted(public - missing):
        assert hasattr(theirs, name), f"{theirs.__name__} has no {name}, and no table says why"
        held = inspect.getattr_static(ours, name)
        if inspect.isfunction(held):
            assert _parameters(getattr(theirs, name)) == _parameters(held), name
            if "Async" in theirs.__name__:
                assert inspect.iscoroutinefunction(getattr(theirs, name)) or name == "cohort", name
    assert not missing & set(dir(theirs))


def test_what_has_no_way_from_afar_says_why(address: str) -> None:
    with spinecho.connect(address, token=SECRET) as remote:
        for name, why in NOT_FROM_AFAR.items():
            with pytest.raises(spinecho.NotFromAfar, match=why[:20]):
                getattr(remote, name)
        with pytest.raises(spinecho.NotFromAfar, match="machine that holds"):
            remote.sources.pull("pacs")


def test_facets_failures_and_whose_acts_these_are(door: Any, here: Archive) -> None:
    for where in ("", "age>1", "sequence=FLAIR and age<1"):
        assert door.facets("sequence", "sex", where=where) == here.facets("sequence", "sex", where=where)
    assert door.failures(everything=True).facts == here.failures(everything=True).facts
    assert len(door.failures(everything=True))
    assert door.user == here.user


def test_every_volume_of_a_series(door: Any, here: Archive) -> None:
    listed = here.search(where="derived=yes or derived=no", k=50)
    series = [one for hit in listed if hit.study for one in door.study(hit.study.uid).series if one.volume_count == 3]
    assert series
    found = list(series[0].volumes())
    assert len({one.voxels.tobytes() for one in found}) == 3
    ours = next(
        one for hit in listed if hit.study for one in here.study(hit.study.uid).series if one.uid == series[0].uid
    )
    for one, same in zip(found, ours.volumes(), strict=True):
        assert np.array_equal(one.voxels, same.voxels)
        assert np.array_equal(one.affine, same.affine)
    assert np.array_equal(series[0].volume(2).voxels, found[2].voxels)


def test_hits_like_a_scan_of_this_machine(afar: Any, here: Archive, indexed: Indexed, first: str) -> None:
    folder = next(one.parent for one in sorted(indexed.files.rglob("*.dcm")))
    volume = here.study(first).series[0].volume()
    for like in (folder, next(folder.glob("*.dcm")), volume, first):
        asked = {"words": "lesion", "like": like, "where": "sequence=T1,T2,FLAIR", "k": 3, "by": "scans"}
        assert _uids(afar.search(**asked)) == _uids(here.search(**asked)), like
    assert _uids(afar.similar(folder, k=3)) == _uids(here.similar(folder, k=3))
    assert _uids(afar.similar(volume, k=2)) == _uids(here.similar(volume, k=2))
    assert afar.reports_for(volume, k=1)[0].report
    with pytest.raises(spinecho.QueryError):
        afar.search("lesion", like="/nowhere/at all")
    with pytest.raises(spinecho.NoScan, match="Volume"):
        afar.similar(np.zeros((2, 2)))


def _uids(hits: Any) -> list[Any]:
    return [(hit.study.uid, round(hit.score, 4), hit.fits, [one.uid for one in hit.series]) for hit in hits]


@pytest.fixture(params=["here", "afar", "afar, long", "afar, longer than an answer may"])
def cohorts_door(request: pytest.FixtureRequest, here: Archive, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The doors to cohorts: from afar short ones by the server itself, long ones by a process for them."""
    if request.param == "here":
        return here
    if "long" in request.param:
        monkeypatch.setattr(access, "LONG", 0)
    if "longer" in request.param:
        monkeypatch.setattr(long_cohorts, "_SHARE", 0.0)
    return request.getfixturevalue("afar")


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda one: one.search("x", k=5.0), "k=5.0 is no whole number"),
        (lambda one: one.search("x", k="5"), "k='5' is no whole number"),
        (lambda one: one.search("x", k=None), "k=None is no whole number"),
        (lambda one: one.search("x", k=True), "k=True is no whole number"),
        (lambda one: one.search("x", k=np.bool_(True)), "is no whole number"),
        (lambda one: one.similar(study="1.2", k=2.5), "k=2.5 is no whole number"),
        (lambda one: one.search(None), "words is to be text, not None"),
        (lambda one: one.search(["x"]), "words is to be text, not list"),
        (lambda one: one.search("x", where=None), "a filter is text, .*, not NoneType"),
        (lambda one: one.search("x", where={"sex": "F"}), "a filter is text, .*, not dict"),
        (lambda one: one.search("x", where=["sex=F"]), "a filter is text, .*, not list"),
        (lambda one: one.search("x", on="age"), "on is to be a list of texts, not str"),
        (lambda one: one.search("x", off=[1]), "an entry of off is to be text, not 1"),
        (lambda one: one.facets("sex", where=5), "a filter is text, .*, not int"),
        (lambda one: one.cohort(name="x").version("1"), "number='1' is no whole number"),
        (lambda one: one.cohort(name="x").version(1.0), "number=1.0 is no whole number"),
        (lambda one: one.cohort(name="x").diff(1, "2"), "second='2' is no whole number"),
    ],
)
def test_what_is_no_argument_is_told_with_its_value_and_what_helps(door: Any, ask: Any, words: str) -> None:
    """Numbers and texts of other kinds ended in errors of the inside: of JSON, of SQL, of an unreachable line."""
    with pytest.raises(spinecho.QueryError, match=words):
        ask(door)


def _nested(levels: int, *kinds: Any) -> Filter:
    """Conditions in conditions; the innermost is a level of its own."""
    where: Filter = Is("sex", ("F",))
    for number in range(levels - 1):
        where = kinds[number % len(kinds)](where)
    return where


def _and(where: Filter) -> Filter:
    return And((Is("derived", (False,)), where))


def _or(where: Filter) -> Filter:
    return Or((Is("plane", ("axial",)), where))


MANY = [f"1.2.{number}" for number in range(3000)]
NAMES = tuple(f"name {number}" for number in range(1500))
LARGE: dict[str, tuple[Any, str]] = {
    "uids, typed": (f"study_uid={','.join(MANY)}", ""),
    "uids": (Is("study_uid", tuple(MANY)), ""),
    "not": (_nested(20, Not), ""),
    "not, typed": ("not " * 19 + "sex=F", ""),
    "not and, or": (_nested(20, Not, _and, Not, _or), ""),
    "and, or": (_nested(20, _and, _or), ""),
    "parentheses": ("(" * 19 + "sex=F" + ")" * 19, ""),
    "conditions": (Or((Is("sex", ("F",)),) * 300), ""),
    "a condition too many": (Or((Is("sex", ("F",)),) * 301), "300 conditions"),
    "thousands of conditions": (And((Is("sex", ("F",)),) * 5000), "300 conditions"),
    "a level too many": (_nested(21, Not), "20 levels"),
    "thousands of levels": (_nested(5000, Not), "20 levels"),
    "levels, typed": ("not " * 30 + "sex=F", "20 levels"),
    "names": (Or((Says(NAMES, "present", "a"), Says(NAMES, "absent", "b"))), "2,000 names"),
    "names, typed": (f"says({','.join('ab' * 2000)})", "names"),
    "characters": (Is("study_uid", ("1" * 1_000_000,)), "at most 900,000 are read"),
    "characters, typed": ("study_uid=" + "1" * 1_000_000, "at most 900,000 are read"),
}
"""(a filter, what its refusal says)."""


@pytest.mark.parametrize("name", LARGE)
def test_a_large_filter_is_answered_alike_or_refused_alike(afar: Any, here: Archive, name: str) -> None:
    """10,000 characters were the most from afar alone, and what was no text had no limit here but the database's."""
    where, refused = LARGE[name]
    if refused:
        said = []
        for door in (here, afar):
            with pytest.raises(FilterError, match=refused) as caught:
                door.search(where=where)
            said.append((type(caught.value), str(caught.value)))
        assert said[0] == said[1]
    else:
        assert _uids(afar.search(where=where)) == _uids(here.search(where=where))
        assert afar.facets("sex", where=where) == here.facets("sex", where=where)


def test_any_field_is_counted_alike_however_many_and_however_long_its_name(afar: Any, here: Archive) -> None:
    fields = [*COUNTABLE, *COUNTABLE]
    assert afar.facets(*fields) == here.facets(*fields)
    said = []
    for door in (here, afar):
        with pytest.raises(FilterError) as caught:
            door.facets(f"label.{'long name ' * 20}")
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_a_folder_of_more_files_than_a_form_has_parts_is_sent(afar: Any, here: Archive, tmp_path: Path) -> None:
    """A server takes 1,000 parts of a form, and a series may have more slices."""
    shutil.copytree(Path(here.study(here.search("brain", k=1)[0].study.uid).series[0]._open()[0][0][0]).parent,
                    tmp_path / "scan")  # fmt: skip
    for number in range(1001):
        (tmp_path / "scan" / f"{number}.txt").write_text("a note")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        uids = [[hit.study.uid for hit in one.similar(tmp_path / "scan", k=3)] for one in (here, afar)]
    assert uids[0] == uids[1]


def test_numbers_of_tables_are_numbers(door: Any) -> None:
    """A count out of a DataFrame is NumPy's own, which JSON and the record do not know."""
    two = door.search("brain", k=2)
    assert [one.study.uid for one in door.search("brain", k=np.int64(2))] == [one.study.uid for one in two]
    assert door.search(np.str_("brain"), k=np.uint8(2)).rows() == two.rows()
    with pytest.raises(CohortError, match="no cohort 'nobody'"):
        door.cohort(name="nobody").version(np.int64(1))


def test_a_cohort_from_its_rules_to_its_end(cohorts_door: Any, here: Archive, flair: Path, tmp_path: Path) -> None:
    door = cohorts_door
    cohort = door.cohort(flair)
    assert cohort.count() == here.cohort(flair).count()
    kept = cohort.freeze()
    number = kept.version
    assert kept == dataclasses.replace(here.cohort(name="flair").version(number), count=kept.count)
    assert kept.count == here.cohort(flair).count()
    assert door.cohorts() == here.cohorts()
    by_name = door.cohort(name="flair")
    assert by_name.version() == here.cohort(name="flair").version()
    assert by_name.versions() == here.cohort(name="flair").versions()
    again = by_name.rerun()
    assert again == here.cohort(name="flair").rerun()
    frozen = by_name.rerun(number, freeze=True)
    assert frozen.frozen.version == number + 1
    assert not frozen.changes.any
    assert by_name.diff(number, number + 1) == here.cohort(name="flair").diff(number, number + 1)
    assert by_name.codes(number) == here.cohort(name="flair").codes(number)
    seen: list[Any] = []
    assert by_name.delete(number + 1, confirm=lambda one: seen.append(one) or False).versions == 0
    assert seen[0].version == number + 1
    assert by_name.delete(number + 1).versions == 1
    left = len(by_name.versions())
    assert by_name.delete().versions == left
    for missing in (by_name.version, by_name.rerun, by_name.delete, by_name.codes):
        with pytest.raises(CohortError, match="no cohort 'flair'"):
            missing()
    with pytest.raises(CohortError, match="rules"):
        by_name.count()
    with pytest.raises(spinecho.QueryError, match="name="):
        door.cohort()


def test_an_export(afar: Any, here: Archive, flair: Path, tmp_path: Path) -> None:
    number = here.cohort(flair).freeze().version
    cohort = afar.cohort(name="flair")
    for pseudonyms in (True, False):
        made = cohort.write(tmp_path / f"tables-{pseudonyms}", version=number, pseudonyms=pseudonyms)
        same = here.cohort(name="flair").write(tmp_path / f"same-{pseudonyms}", version=number, pseudonyms=pseudonyms)
        assert (made.files, made.studies, made.missing) == (same.files, same.studies, same.missing)
        table = "studies.csv"
        assert (made.folder / table).read_bytes() == (same.folder / table).read_bytes()
        assert (made.folder / table).stat().st_mode & 0o077 == 0
    packed = cohort.export(number, tmp_path / "zips")
    assert packed.name == here.cohort(name="flair").export(number, tmp_path / "same").name
    with pytest.raises(CohortError, match="not empty"):
        cohort.write(tmp_path / "tables-True", version=number)
    with pytest.raises(CohortError, match="pseudonyms"):
        cohort.export(number, tmp_path, formats=["copy"])
    with pytest.raises(CohortError, match="no version 99"):
        cohort.export(99, tmp_path)


def test_evaluations_and_evidence(afar: Any, here: Archive, first: str, tmp_path: Path) -> None:
    stages: list[str] = []
    (tmp_path / "own.csv").write_text(f"query,study_uid,grade\nlesion,{first},1\nmass,{first},0\n")
    asked = {"judgements": tmp_path / "own.csv", "resamples": 20}
    found = afar.evaluate(**asked, on_progress=stages.append)
    assert found.to_json() == here.evaluate(**asked).to_json()
    assert stages
    (tmp_path / "wrong.csv").write_text("query,whom\nlesion,1.2\n")
    with pytest.raises(JudgementError, match="study_uid"):
        afar.evaluate(judgements=tmp_path / "wrong.csv")
    with pytest.raises(spinecho.QueryError, match="none of: patient, study"):
        afar.evaluate(exclude="nobody")
    assert afar.acquired(first) == here.acquired(first)
    shown = afar.why(first, "lesion", slices=2, pictures=True)
    assert shown == here.why(first, "lesion", slices=2, pictures=True)
    assert all(one.picture for one in shown)
    with pytest.raises(spinecho.QueryError, match=r"1\.2\.3"):
        afar.why("1.2.3", "lesion")


def test_thumbs_as_a_list(door: Any, here: Archive, first: str) -> None:
    door.rate("oedema", {first: 1}, where="age>1")
    assert door.thumbs() == here.thumbs()
    assert [one.words for one in door.thumbs()] == ["oedema"]
    assert door.judgements() == here.judgements()
    assert door.judgements(everybody=True) == here.judgements(everybody=True)
    assert (
        door.search("oedema", where="age>1", refine=True).plan == here.search("oedema", where="age>1", refine=True).plan
    )
    assert door.forget_thumbs("oedema") == 0
    assert door.forget_thumbs("oedema", where="age>1") == 1
    assert door.thumbs() == ()


def test_tokens(door: Any, here: Archive) -> None:
    secret, kept = door.make_token("of a test", scopes=("read", "write"), days=3)
    assert secret.startswith("spinecho_")
    assert door.tokens() == here.tokens()
    assert door.tokens(everybody=True) == here.tokens(everybody=True)
    assert next(one for one in here.tokens() if one.id == kept.id) == kept
    assert door.revoke_token(kept.id).state() == "revoked"
    _, other = door.make_token("for another", person="ada@hospital.example")
    assert other.owner == "ada@hospital.example"
    for wrong in ({"label": ""}, {"label": "x", "days": 0}, {"label": "x", "scopes": ("all",)}):
        with pytest.raises(TokenError):
            door.make_token(**wrong)
    with pytest.raises(StoreError):
        door.revoke_token(10**6)


def test_the_record(door: Any, here: Archive) -> None:
    found = door.record.entries(most=5)
    assert len(found) == 5
    assert found[0].action == "see-record"
    assert found[1:] == here.record.entries(most=6)[2:]
    assert all(one.action == "search" for one in door.record.entries(action="search", user=here.user))
    walked = list(door.record.walk())
    assert [one.number for one in walked] == list(range(1, len(walked) + 1))
    checked = door.record.check(since=(walked[-1].number, walked[-1].digest))
    assert (checked.rows >= len(walked), checked.broken) == (True, ())
    assert door.record.check(since=(1, "0" * 64)).broken


def test_coroutines_do_the_same(address: str, here: Archive, first: str, flair: Path, tmp_path: Path) -> None:
    async def ask() -> Any:
        remote: Any
        async with spinecho.connect_async(address, token=SECRET) as remote:
            cohort = remote.cohort(flair)
            counted, kept = await cohort.count(), await cohort.freeze()
            made, user, acts, volume = await asyncio.gather(
                cohort.write(tmp_path / "tables", version=kept.version),
                remote.user,
                remote.record.entries(most=3),
                remote.volume((await remote.study(first)).series[0].uid, 0),
            )
            (await cohort.delete()).versions  # noqa: B018
            return counted, made, user, acts, volume, await remote.thumbs(), await remote.tokens()

    counted, made, user, acts, volume, thumbs, tokens = run_apart(ask)
    assert counted == here.cohort(flair).count()
    assert "studies.csv" in made.files
    assert (user, len(acts)) == (here.user, 3)
    assert np.array_equal(volume.voxels, here.study(first).series[0].volume().voxels)
    assert (thumbs, tokens) == (here.thumbs(), here.tokens())
