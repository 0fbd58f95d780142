from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from archives import Home, copy_of

from spinecho.db.errors import StoreError
from spinecho.encoders.errors import ReadError
from spinecho.encoders.preparing.preparation import Prepared
from spinecho.indexer.corpus.cache import VolumeCache
from spinecho.indexer.corpus.from_archive import ArchiveExamples


def opened(home: Home, cache: Path, limit: int = 10**9, **more) -> ArchiveExamples:
    return ArchiveExamples(home.database, VolumeCache(cache, limit), **more)


@pytest.fixture(scope="module")
def stream(indexed, tmp_path_factory):
    archive = opened(indexed, tmp_path_factory.mktemp("cache"))
    yield archive
    archive.close()


def test_facts_come_from_the_database_and_reports_with_them(stream, indexed):
    stored = indexed.query("SELECT count(*) FROM volumes WHERE NOT derived")[0][0]
    assert len(stream) == len(stream.facts) == stored
    studies = {row[0] for row in indexed.query("SELECT uid FROM studies")}
    assert {facts.study for facts in stream.facts} <= studies
    assert len({facts.key for facts in stream.facts}) == stored
    texts = {row[0] for row in indexed.query("SELECT text FROM reports WHERE match = 'matched'")}
    assert {text for facts in stream.facts for kind, text in facts.texts if kind == "report"} == texts
    assert all(facts.region != "unknown" and facts.sequence != "unknown" for facts in stream.facts)
    assert any(facts.age_years for facts in stream.facts)


def test_an_example_is_the_volume_of_its_facts_the_second_time_from_the_cache(stream, monkeypatch):
    number = next(n for n, facts in enumerate(stream.facts) if facts.sequence != "localizer")
    first = stream[number]
    assert first.facts == stream.facts[number]
    assert first.grey.dtype == np.uint8
    assert max(first.grey.shape) <= 128
    assert first.grey.max() > 200
    monkeypatch.setattr(stream, "_decoded", lambda _: pytest.fail("read again"))
    again = stream[number]
    assert np.array_equal(again.grey, first.grey)
    assert again.spacing_mm == first.spacing_mm


def test_without_a_report_the_acquisition_is_put_into_words_and_marked(indexed, tmp_path):
    home = copy_of(indexed, tmp_path / "home")
    with sqlite3.connect(home.database) as connection:
        connection.execute("UPDATE reports SET match = 'unmatched', study_id = NULL")
    connection.close()
    one, two = (opened(home, tmp_path / "cache").facts for _ in range(2))
    assert one == two
    assert {kind for facts in one for kind, _ in facts.texts} == {"facts"}
    assert len({facts.texts for facts in one}) > 3


def test_what_is_kept_of_it(indexed, tmp_path):
    only = opened(indexed, tmp_path, source="site A", keep=lambda facts: facts.sequence == "FLAIR")
    assert {facts.sequence for facts in only.facts} == {"FLAIR"}
    assert {facts.source for facts in only.facts} == {"site A"}


def test_a_volume_whose_files_are_gone_is_replaced_by_the_next_and_listed(archive, tmp_path):
    mine = shutil.copytree(archive, tmp_path / "archive")
    home = Home(tmp_path / "home")
    home.index(mine)
    stream = opened(home, tmp_path / "cache")
    lost = stream.facts[0]
    for path in home.query(
        "SELECT d.path || '/' || f.name FROM files f JOIN folders d ON d.id = f.folder_id"
        f" WHERE f.series_uid = '{lost.key.split('/')[0]}'"
    ):
        Path(path[0]).unlink()
    given = stream[0]
    assert given.facts != lost
    assert stream.unread[0].key == lost.key
    with pytest.raises(ReadError):
        stream.read(0)
    shutil.rmtree(mine)
    fresh = opened(home, tmp_path / "other cache")
    with pytest.raises(ReadError, match="is the archive there"):
        fresh[3]
    stream.close()
    fresh.close()


def test_no_database(tmp_path):
    with pytest.raises(StoreError, match="spinecho index"):
        ArchiveExamples(tmp_path / "none.sqlite", VolumeCache(tmp_path, 1))


def volume(value: int, size: int = 1000) -> Prepared:
    return Prepared(np.full((10, 10, size // 100), value, np.uint8), np.ones(3, np.float32))


class TestCache:
    def test_the_longest_unused_go_first(self, tmp_path):
        cache = VolumeCache(tmp_path, 12_000)
        for number in range(9):
            cache.put(f"{number:064x}", volume(number))
            os.utime(cache._path(f"{number:064x}"), (number + 1, number + 1))
        assert cache.get(f"{0:064x}").pixels[0, 0, 0] == 0  # used just now
        for number in range(9, 14):
            cache.put(f"{number:064x}", volume(number))
        assert cache.size() <= 12_000
        assert cache.get(f"{0:064x}") is not None
        assert cache.get(f"{1:064x}") is None
        assert cache.get(f"{13:064x}").pixels[0, 0, 0] == 13

    def test_too_large_for_it(self, tmp_path):
        cache = VolumeCache(tmp_path, 500)
        cache.put("ab", volume(1))
        assert cache.get("ab") is None
        assert cache.size() == 0

    def test_a_damaged_file_is_read_anew(self, tmp_path):
        cache = VolumeCache(tmp_path, 10**6)
        cache.put("ab", volume(1))
        path = cache._path("ab")
        path.write_bytes(path.read_bytes()[:-9])
        assert cache.get("ab") is None
        assert not path.exists()

    def test_killed_processes_leave_nothing_half_written_and_the_limit_holds(self, tmp_path):
        code = (
            "import sys; sys.path.insert(0, '.');"
            "import numpy as np; from pathlib import Path; from spinecho.indexer.corpus.cache import VolumeCache;"
            "from spinecho.encoders.preparing.preparation import Prepared\n"
            f"cache = VolumeCache(Path({str(tmp_path)!r}), 300_000)\n"
            "number = int(sys.argv[1])\n"
            "print('on', flush=True)\n"
            "while True:\n"
            "    number += 1\n"
            "    pixels = np.full((10, 10, 100), number % 251, np.uint8)\n"
            "    cache.put(f'{number:064x}', Prepared(pixels, np.ones(3, np.float32)))\n"
        )
        root = Path(__file__).parents[2]
        running = [
            subprocess.Popen([sys.executable, "-c", code, str(10**6 * n)], cwd=root, stdout=subprocess.PIPE)
            for n in range(3)
        ]
        for process in running:
            process.stdout.readline()
        time.sleep(0.7)
        for process in running:
            process.kill()
            process.wait()
            process.stdout.close()
        cache = VolumeCache(tmp_path, 300_000)
        volume = 10_000 + 400
        assert cache.size() <= 300_000 + 3 * (0.05 * 300_000 + 2 * volume)
        whole = [path for path in tmp_path.glob("*/*.safetensors") if not path.name.startswith(".")]
        assert len(whole) > 10
        for path in whole:
            number = int(path.stem, 16)
            assert (cache.get(path.stem).pixels == number % 251).all()
