"""Another encoder's vectors beside those that answer: filled in parts, switched to, back, retired; searches go on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from archives import Home, copy_of
from parts_encoder import Greys, PartsEncoder, Words, brain, parts_dual, write_nifti

from spinecho.db.errors import StorageFailure
from spinecho.db.schema.database import Database
from spinecho.db.store import held_spaces, storing
from spinecho.db.store.held_spaces import SwitchRefused
from spinecho.db.store.held_spaces import held_spaces as held
from spinecho.db.upkeep.check import check_database
from spinecho.db.values import SpaceRecord
from spinecho.db.vectors.build import build_index, space_folder
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.errors import SpaceMismatch
from spinecho.indexer.reembed import Embedded, embed_beside, require_room, require_same_text
from spinecho.search.access.late_engine import LateEngine
from spinecho.search.engine import Engine
from spinecho.search.query import TextQuery


def other_dual() -> DualEncoder:
    """The same network under another revision: a space of its own."""
    image = PartsEncoder()
    image.space = replace(image.space, revision="2")
    return DualEncoder("other", image, Words(), Greys(image.space))


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    for number in range(4):
        write_nifti(folder / f"sub-{number}" / f"{number}_T1w.nii.gz", brain(number))
    return folder


@pytest.fixture(scope="module")
def made(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"), parts_dual)
    home.index(scans)
    return home


class Opened(NamedTuple):
    home: Home
    database: Database
    space: SpaceRecord

    def embed(self, **options: Any) -> Embedded:
        return embed_beside(self.database, other_dual(), self.space, workers=1, **options)

    def states(self) -> dict[str, str]:
        return {one.space.encoder: one.state for one in held(self.database)}

    def vectors(self, space: int) -> list[Any]:
        return self.home.query(f"SELECT volume_id, data FROM vectors WHERE space_id = {space} ORDER BY volume_id")


@pytest.fixture
def opened(made: Home, tmp_path: Path) -> Iterator[Opened]:
    home = copy_of(made, tmp_path / "home")
    database = Database.open(home.database)
    space = held_spaces.hold(database, **asdict(other_dual().image.space), encoder="other")
    yield Opened(home, database, space)
    database.close()


def test_a_space_is_filled_in_parts_and_what_answers_is_not_touched(opened: Opened) -> None:
    live = storing.serving(opened.database, "image")
    assert live is not None
    before = opened.vectors(live.id)
    first = opened.embed(limit=1)
    assert (first.series, first.volumes, first.ahead) == (1, 1, 3)
    with pytest.raises(SwitchRefused, match="3 volumes have no vector"):
        held_spaces.switch(opened.database, opened.space.id)
    assert storing.serving(opened.database, "image") == live
    rest = opened.embed()
    assert (rest.volumes, rest.ahead, rest.left_out) == (3, 0, {})
    assert opened.embed() == Embedded(0, 0, {}, 0)
    assert opened.vectors(live.id) == before
    assert [data for _, data in opened.vectors(opened.space.id)] == [data for _, data in before if data]
    regions = "SELECT count(*) FROM region_vectors GROUP BY space_id"
    assert opened.home.query(regions) == [(4,), (4,)]


def test_a_switch_and_the_way_back_are_one_row_each(opened: Opened) -> None:
    live = storing.serving(opened.database, "image")
    opened.embed()
    assert opened.states() == {"parts": "serves", "other": "beside"}
    assert held_spaces.switch(opened.database, opened.space.id) == opened.space
    assert storing.serving(opened.database, "image") == opened.space
    assert opened.states() == {"other": "serves", "parts": "before"}
    held_spaces.switch(opened.database, opened.space.id)  # again: nothing to do
    assert held_spaces.roll_back(opened.database) == live
    assert storing.serving(opened.database, "image") == live
    assert opened.states() == {"parts": "serves", "other": "before"}
    assert check_database(opened.database, opened.home.folder / "builds") == ()


def test_there_is_nothing_to_go_back_to_before_a_switch(opened: Opened) -> None:
    with pytest.raises(SwitchRefused, match="no switch yet"):
        held_spaces.roll_back(opened.database)
    with pytest.raises(SwitchRefused, match="not held"):
        held_spaces.switch(opened.database, 99)


def test_what_is_read_again_is_embedded_again(opened: Opened, scans: Path, tmp_path: Path) -> None:
    opened.embed()
    mine = tmp_path / "scans"
    shutil.copytree(scans, mine)
    write_nifti(mine / "sub-1" / "1_T1w.nii.gz", brain(9))
    opened.home.index(mine)
    lacking = held_spaces.count_lacking_beside(opened.database, opened.space)[1]
    assert lacking >= 1
    done = opened.embed()
    assert (done.volumes, done.ahead) == (lacking, 0)


def test_who_answers_cannot_be_retired_and_who_does_not_goes_with_the_next_run(opened: Opened, scans: Path) -> None:
    live = storing.serving(opened.database, "image")
    assert live is not None
    opened.embed()
    builds = opened.home.folder / "builds"
    build_index(opened.database, builds, opened.space)
    with pytest.raises(SwitchRefused, match="answers now"):
        held_spaces.retire(opened.database, live.id)
    held_spaces.retire(opened.database, opened.space.id)
    assert opened.states()["other"] == "retired"
    with pytest.raises(SwitchRefused, match="is retired"):
        held_spaces.switch(opened.database, opened.space.id)
    held_spaces.hold(opened.database, **asdict(other_dual().image.space), encoder="other")  # taken back
    assert opened.states()["other"] == "beside"
    held_spaces.retire(opened.database, opened.space.id)
    before = opened.vectors(live.id)
    opened.home.index(scans)
    assert opened.states() == {"parts": "serves"}
    assert opened.vectors(opened.space.id) == []
    assert opened.vectors(live.id) == before
    assert not space_folder(builds, opened.space).exists()
    assert opened.home.query(f"SELECT count(*) FROM tombstones WHERE space_id = {opened.space.id}") == [(4,)]
    assert check_database(opened.database, builds) == ()


def test_the_one_before_may_be_retired_and_then_there_is_no_way_back(opened: Opened, scans: Path) -> None:
    first = storing.serving(opened.database, "image")
    assert first is not None
    opened.embed()
    held_spaces.switch(opened.database, opened.space.id)
    held_spaces.retire(opened.database, first.id)
    with pytest.raises(SwitchRefused, match="no switch yet"):
        held_spaces.roll_back(opened.database)
    replace(opened.home, encoders=other_dual).index(scans)
    assert opened.states() == {"other": "serves"}
    assert len(opened.vectors(opened.space.id)) == 4


def test_searches_go_on_through_a_switch_and_follow_it(opened: Opened) -> None:
    builds, duals = opened.home.folder / "builds", {"parts": parts_dual, "other": other_dual}

    def opening() -> Engine:
        live = held_spaces.live_encoder(opened.database)
        assert live is not None
        return Engine(opened.database, builds, duals[live[1]]())

    engine = LateEngine(opened.database, builds, opening)
    asked = TextQuery("bright")
    first, before = engine.engine, engine.engine.generation
    answer = [hit.study.uid for hit in first.search(asked).hits if hit.study]
    opened.embed(limit=2)
    assert [hit.study.uid for hit in engine.engine.search(asked).hits if hit.study] == answer
    opened.embed()
    held_spaces.switch(opened.database, opened.space.id)
    assert [hit.study.uid for hit in first.search(asked).hits if hit.study] == answer  # whoever holds it still goes on
    engine.follow()
    engine.settle()
    assert engine.engine is not first
    assert engine.engine.image_space == opened.space.id
    assert engine.engine.generation > before
    assert [hit.study.uid for hit in engine.engine.search(asked).hits if hit.study] == answer


def test_an_engine_that_cannot_be_opened_leaves_the_one_before(opened: Opened) -> None:
    opens: list[int] = []

    def opening() -> Engine:
        opens.append(1)
        return Engine(opened.database, opened.home.folder / "builds", parts_dual())

    engine = LateEngine(opened.database, opened.home.folder / "builds", opening)
    first = engine.engine
    opened.embed()
    held_spaces.switch(opened.database, opened.space.id)
    for _ in range(2):
        engine.follow()
        engine.settle()
    assert engine.engine is first
    assert len(opens) == 2, "what failed is not tried again and again"


def test_the_time_that_is_worked_is_shared(opened: Opened) -> None:
    rests: list[float] = []
    opened.embed(share=0.25, sleep=rests.append)
    assert len(rests) == 4
    assert all(rest > 0 for rest in rests)


def test_a_full_disk_and_another_sentence_encoder_are_told_before_anything_is_done(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(StorageFailure, match="MB are free"):
        require_room(tmp_path, 10_000_000, what="embedding")
    text = Words()
    text.space = replace(text.space, revision="2")
    with pytest.raises(SpaceMismatch, match="--home"):
        require_same_text(opened.database, replace(other_dual(), text=text))


def test_files_that_are_gone_are_counted_and_nothing_else_is_lost(opened: Opened, made: Home, scans: Path) -> None:
    path = scans / "sub-1" / "1_T1w.nii.gz"
    aside = path.rename(path.with_suffix(".aside"))
    try:
        done = opened.embed()
    finally:
        aside.rename(path)
    assert (done.volumes, done.ahead) == (3, 1)
    assert sum(done.left_out.values()) == 1
    assert opened.embed().ahead == 0
