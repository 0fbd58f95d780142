"""A server of vectors behind the front door: filled by `index` and `builds sync`, asked by searches, told of itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from archives import copy_of_home
from servers import Server
from sqlalchemy import text

import spinecho
from spinecho.archive import Archive
from spinecho.db.errors import BackendMissing, VectorServerDown, VectorServerUnfit
from spinecho.db.schema.database import Database
from spinecho.errors import SettingsError
from spinecho.maintaining.upkeep import copy_database
from spinecho.setup.settings import as_environment, read_settings


def open_with(home: Path, **environment: str) -> Archive:
    return Archive(read_settings(home=home, device="cpu", environment=environment))


@pytest.fixture(scope="module")
def server(shared: Path, postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """(a home without builds, the database that its rows were copied to)"""
    home = tmp_path_factory.mktemp("moved") / "home"
    copy_of_home(shared, home)
    url = postgresql.make("vectors")
    copy_database(home, url)
    shutil.rmtree(home / "builds")
    with Database.open(url).begin() as session:
        if not session.scalar(text("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")):
            pytest.skip("this PostgreSQL has no pgvector (Debian: postgresql-NN-pgvector)")
    return home, url


@pytest.fixture
def archive(server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setattr("spinecho.db.vectors.servers.server_index.EXACT_UP_TO", 0)  # however few: the server is asked
    home, url = server
    with open_with(home, SPINECHO_DATABASE=url, SPINECHO_VECTORS="pgvector") as found:
        yield found


def test_answers_are_those_of_the_builds(archive: Archive, shared: Path) -> None:
    assert {one.space for one in archive.builds.status() if "no copy" in one.error} <= {"image", "text"}
    made = archive.builds.sync(anew=True)
    assert [(one.space, one.error, one.lacks, one.dropped) for one in made] == [("image", "", 0, 0), ("text", "", 0, 0)]
    assert all(one.vectors and one.measured["1 %"]["recall"] == 1 for one in made)
    assert archive.builds.status() == made
    with spinecho.open(shared, device="cpu") as file:
        for asked in ({"words": "lesion"}, {"words": "lesion", "where": "sequence=T1"}, {"words": "cyst", "k": 3}):
            ours, theirs = archive.search(**asked), file.search(**asked)  # type: ignore[arg-type]
            assert [(one.study, round(one.score, 4)) for one in ours] == [
                (one.study, round(one.score, 4)) for one in theirs
            ]
            assert "pgvector" in str(ours.to_json()["build"])
            assert not any("server of vectors" in warning for warning in ours.warnings)


def test_a_copy_that_is_gone_is_said_beside_a_whole_answer(archive: Archive, server: tuple[Path, str]) -> None:
    archive.builds.sync()
    wanted = archive.search("lesion")
    with Database.open(server[1]).begin() as session:
        session.execute(text("DROP SCHEMA spinecho_vectors CASCADE"))
    found = archive.search("lesion")
    assert [one.study for one in found] == [one.study for one in wanted]
    assert sum("the server of vectors was not asked" in warning for warning in found.warnings) == 1
    outcome = archive.index()
    assert not any("server of vectors" in warning for warning in outcome.warnings)
    assert all(not one.error for one in archive.builds.status())


def test_what_cannot_be_a_server_is_refused_with_what_helps(server: tuple[Path, str], shared: Path) -> None:
    home, url = server
    for given in (
        "milvus:/x",
        "http://x:1",
        "milvus://h:99999",
        "milvus://h?ssl=1",
        "mysql",
        "milvus://u:secret@h?a=b",
    ):
        with pytest.raises(SettingsError, match="SPINECHO_VECTORS") as wrong:
            open_with(home, SPINECHO_VECTORS=given)
        assert "secret" not in str(wrong.value)
    settings = read_settings(home=home, environment={"SPINECHO_VECTORS": "milvus://u:p@h:1/d?tls=yes"})
    assert read_settings(environment=as_environment(settings)).vectors == settings.vectors
    with open_with(home, SPINECHO_DATABASE=url) as none, pytest.raises(spinecho.QueryError, match="SPINECHO_VECTORS"):
        none.builds.sync()
    with open_with(shared, SPINECHO_VECTORS="pgvector") as file, pytest.raises(VectorServerUnfit, match="SQLite file"):
        file.builds.status()
    with open_with(home, SPINECHO_DATABASE=url, SPINECHO_VECTORS="milvus://127.0.0.1:9") as down:
        if find_spec("pymilvus") is None:  # an extra
            with pytest.raises(BackendMissing, match="pip install"):
                down.builds.status()
            return
        told = down.builds.status()
        assert all("does not answer" in one.error for one in told)
        with pytest.raises(VectorServerDown, match="does not answer"):
            down.builds.sync()
