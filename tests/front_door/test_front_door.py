"""`import spinecho`: what it names, what it loads, what it answers, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import Indexed, acts
from servers import Server

import spinecho
from spinecho.db.errors import FilterError, StoreError
from spinecho.db.filters.typed import FilterSyntaxError
from spinecho.encoders.config_toml import ConfigError
from spinecho.search.access.persons import Refused

NAMES = {
    "Acts", "Archive", "ArchiveClosed", "AsyncRemoteArchive",
    "Build", "Builds", "Cohort", "CohortCount", "CohortRerun", "Deleted",
    "Encoded", "Encoders", "Facet", "Facets", "Failure", "Failures", "FrozenCohort", "HeldEncoder", "Hit",
    "Hits", "Judgement", "NoScan", "Outcome",
    "Prediction", "Pulled", "QueryError", "Region", "Report", "Sentence", "Series", "SeriesEvidence",
    "SeriesSummary", "SettingsError", "Source", "Sources", "SpinechoError", "Study", "StudySummary", "Thumb",
    "Upgraded", "Volume",
    "AsyncRemoteCohort", "NotFromAfar", "NotTrusted", "OtherVersion", "RemoteArchive", "RemoteCohort", "ServerBusy",
    "Unreachable", "__version__", "connect", "connect_async",
    "encode_image", "encode_text", "open", "train", "upgrade", "write_demo",
}  # fmt: skip


def test_the_surface_is_what_it_is() -> None:
    assert set(spinecho.__all__) == NAMES
    assert all(getattr(spinecho, name) is not None for name in NAMES)
    assert spinecho.__version__ == version("spinecho")
    with pytest.raises(AttributeError, match="encode_text"):
        _ = spinecho.encode_words  # type: ignore[attr-defined]


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"torch", "numpy", "sqlalchemy", "streamlit", "pandas", "pyarrow"}
    code = f"import sys, spinecho; print(*{heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""


def test_words_find_studies_with_their_evidence(archive: spinecho.Archive) -> None:
    hits = archive.search("mass in the brain", k=3)
    assert 1 <= len(hits) <= 3
    best = hits[0]
    assert best.study is not None
    assert best.study.uid
    assert best.why
    assert best.key_image is not None
    assert best.key_image.startswith(b"\x89PNG")
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert hits[:2] == tuple(hits)[:2]
    assert "patient" not in str(hits.rows()).lower().replace("patient's", "")


def test_a_filter_holds_for_every_hit(archive: spinecho.Archive) -> None:
    hits = archive.search("lesion", where="sequence=FLAIR", k=20)
    assert len(hits)
    assert all(one.sequence == "FLAIR" for hit in hits for one in hit.series[:1])
    listed = archive.search(where="sequence=FLAIR", k=20)
    dates = [hit.study.date for hit in listed if hit.study is not None and hit.study.date is not None]
    assert dates == sorted(dates, reverse=True)


def test_hits_are_tables(archive: spinecho.Archive) -> None:
    hits = archive.search("brain", k=2)
    frame, table = hits.to_pandas(), hits.to_arrow()
    assert (
        list(frame["study_uid"])
        == table.column("study_uid").to_pylist()
        == [hit.study.uid for hit in hits if hit.study]
    )
    none = spinecho.Hits(())
    assert list(none.to_pandas().columns) == none.to_arrow().column_names == list(frame.columns)


def test_a_notebook_shows_text_from_outside_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    study = spinecho.StudySummary("1.2", hostile, None, hostile, None, None)
    sentence = spinecho.Sentence(hostile, "findings", "present", "", None)
    hits = spinecho.Hits((spinecho.Hit(1, 1.0, False, study, (), (sentence,)),), warnings=(hostile,))
    html = hits._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4
    assert "nothing was found" in spinecho.Hits(())._repr_html_()


def test_what_is_like_a_study_or_a_scan(archive: spinecho.Archive, indexed: Indexed) -> None:
    uid = archive.search("brain")[0].study.uid  # type: ignore[union-attr]
    alike = archive.similar(study=uid, k=5)
    assert alike
    assert uid not in [hit.study.uid for hit in alike if hit.study]
    scan = next(
        path for path in sorted((indexed.files / "dicom").rglob("*")) if path.is_dir() and any(path.glob("*.dcm"))
    )
    assert archive.similar(scan, k=2)
    reports = archive.reports_for(scan, k=2)
    assert reports[0].report
    spot = archive.similar(scan, box="0.4,0.4,0.4,0.6,0.6,0.6", k=1)
    assert len(spot) == 1


def test_a_study_opens_down_to_its_voxels(archive: spinecho.Archive) -> None:
    study = archive.study(archive.search("brain")[0].study.uid)  # type: ignore[union-attr]
    assert study.series
    assert study.reports
    assert study.key_image
    volume = study.series[0].volume()
    assert volume.voxels.ndim == 3
    assert volume.voxels.dtype == np.float32
    assert np.isfinite(volume.voxels).all()
    assert volume.voxels.std() > 0
    assert volume.affine.shape == (4, 4)
    lengths = np.linalg.norm(volume.affine[:3, :3], axis=0)
    assert np.allclose(lengths, volume.spacing_mm)


def test_counts_status_and_failures(archive: spinecho.Archive) -> None:
    (facets,) = archive.facets("sequence").values()
    assert any(one.value == "FLAIR" and one.shown <= one.total for one in facets)
    assert archive.status()["archive"]["studies"] == 4
    assert all(failure.remedy for failure in archive.failures(everything=True))


def test_indexing_again_tells_how_far_it_is(home: Path, indexed: Indexed) -> None:
    told: list[tuple[str, int, int]] = []
    with spinecho.open(home, device="cpu") as archive:
        outcome = archive.index(on_progress=lambda *one: told.append(one))
        again = archive.index([indexed.files])
    assert {stage for stage, _, _ in told} >= {"discover"}
    assert outcome.counts == again.counts
    assert outcome.mendable == len(outcome.failures)


def test_a_cohort_is_counted_kept_and_taken_away(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "flair.toml"
    file.write_text('name = "flair"\n[[include]]\nfilter = "sequence=FLAIR"\n')
    with spinecho.open(home, device="cpu") as archive:
        cohort = archive.cohort(file)
        counted = cohort.count()
        kept = cohort.freeze()
        assert counted.studies == kept.studies == len(kept.members) > 0
        assert [one.version for one in cohort.versions()] == [1]
        assert not cohort.diff(1, cohort.freeze().version).any
        assert cohort.export(1, tmp_path / "out").suffix == ".zip"
        with pytest.raises(ConfigError, match=r"none\.toml"):
            archive.cohort(tmp_path / "none.toml")


def test_thumbs_are_kept(home: Path) -> None:
    with spinecho.open(home, device="cpu") as archive:
        uid = archive.search("brain")[0].study.uid  # type: ignore[union-attr]
        archive.rate("brain", {uid: 1})
        assert archive.verdicts("brain") == {uid: 1}
        with pytest.raises(spinecho.QueryError, match="no verdict"):
            archive.rate("brain", {uid: 5})


def test_an_evaluation_has_figures_with_pool_and_chance(archive: spinecho.Archive) -> None:
    found = archive.evaluate(resamples=10).to_json()
    assert found["results"]


def test_vectors_of_one_space_are_units(indexed: Indexed) -> None:
    words = spinecho.encode_text(["brain MRI", "knee"], device="cpu")
    scan = next(
        path for path in sorted((indexed.files / "dicom").rglob("*")) if path.is_dir() and any(path.glob("*.dcm"))
    )
    image = spinecho.encode_image(scan, device="cpu")
    assert words.space == image.space
    assert words.vectors.shape == (2, words.space.dim)
    for vectors in (words.vectors, image.vectors):
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
    assert spinecho.encode_text(["a"], against="sentences", device="cpu").space != words.space


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda one: one.search("x", where="sequenc=T2"), FilterError, "sequenc"),
        (lambda one: one.search("x", where="sequence=T2 and"), FilterSyntaxError, "and"),
        (lambda one: one.search("x", by="feeling"), spinecho.QueryError, "everything"),
        (lambda one: one.search("x", k=0), spinecho.QueryError, "at least 1"),
        (lambda one: one.search("..."), spinecho.QueryError, "search"),
        (lambda one: one.similar(), spinecho.QueryError, "study="),
        (lambda one: one.similar("/nowhere"), spinecho.NoScan, "/nowhere"),
        (lambda one: one.similar("/nowhere", study="1"), spinecho.QueryError, "study="),
        (lambda one: one.similar(study="1.2.3"), spinecho.QueryError, r"1\.2\.3"),
        (lambda one: one.similar(study="1.2.3", box="1:2,3:4,5:6"), spinecho.QueryError, "fractions"),
        (lambda one: one.study("1.2.3"), spinecho.QueryError, r"1\.2\.3"),
        (lambda one: one.study(one.search("brain", k=1)[0].study), spinecho.QueryError, "its UID"),
        (lambda one: one.facets(["sex"]), spinecho.QueryError, "one by one"),
        (lambda one: one.cohort(name=5), spinecho.QueryError, "not 5"),
        (lambda one: one.cohort({"name": "x"}), spinecho.QueryError, "not dict"),
        (lambda one: one.index("/nowhere"), StoreError, "/nowhere"),
        (lambda one: spinecho.encode_text("one"), spinecho.QueryError, "list"),  # type: ignore[arg-type]
        (lambda one: spinecho.encode_text(["a", " "]), spinecho.QueryError, "text 1"),
        (lambda one: spinecho.encode_text(["a"], against="x"), spinecho.QueryError, "sentences"),
        (lambda one: spinecho.encode_image("/nowhere"), spinecho.NoScan, "/nowhere"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_value(
    ask: Any, error: type[Exception], words: str, archive: spinecho.Archive
) -> None:
    with pytest.raises(error, match=words) as raised:
        ask(archive)
    assert isinstance(raised.value, spinecho.SpinechoError)


def test_a_home_that_is_not_there_and_one_that_was_closed(home: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="spinecho index"):
        spinecho.open(tmp_path / "none")
    assert not (tmp_path / "none" / "spinecho.sqlite").exists()
    with pytest.raises(StoreError):
        spinecho.open("mysql://somewhere/x")
    archive = spinecho.open(home, device="cpu")
    archive.close()
    archive.close()
    for ask in (lambda: archive.search("x"), archive.status, lambda: archive.study("1")):
        with pytest.raises(spinecho.ArchiveClosed, match=r"spinecho\.open"):
            ask()


def test_the_role_of_the_account_decides(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "secrets.toml").touch(mode=0o600)
    (home / "secrets.toml").write_text(
        '[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "x"\n'
    )
    monkeypatch.setattr("spinecho.access.people._account", lambda: "svc")
    with spinecho.open(home, device="cpu") as archive:
        assert archive.search("brain")
        with pytest.raises(Refused, match="manager"):
            archive.index()
        with pytest.raises(Refused, match="manager"):
            archive.failures()
    kept = [(row.user, row.role, row.action) for row in acts(home)]
    assert ("svc", "viewer", "search") in kept
    assert ("svc", "viewer", "refused") in kept


def test_many_threads_get_what_one_gets(archive: spinecho.Archive) -> None:
    questions = ["brain", "mass", "no haemorrhage", "infarct", "T2 FLAIR axial", "normal", "tumour", "lesion"] * 2
    alone = [[hit.study and hit.study.uid for hit in archive.search(one, k=4)] for one in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda one: [hit.study and hit.study.uid for hit in archive.search(one, k=4)], questions)
        )
    assert alone == together


def test_a_database_on_a_server_answers_as_a_file_does(
    postgresql: Server, archive: spinecho.Archive, indexed: Indexed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINECHO_HOME", str(tmp_path / "home"))
    with spinecho.open(postgresql.new(), create=True, device="cpu") as served:
        with pytest.raises(spinecho.QueryError, match="nothing is indexed yet"):
            served.search("lesion")
        served.index(indexed.files)
        for asked in ({"where": "sequence=FLAIR"}, {"words": "mass in the brain", "k": 1}):
            found = [[hit.study and hit.study.uid for hit in one.search(**asked)] for one in (served, archive)]  # type: ignore[arg-type]
            assert found[0] == found[1]
