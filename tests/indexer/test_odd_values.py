"""Whatever a name, a header, a sidecar or a report holds: it costs itself and nothing else, now and on later runs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from archives import Home
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from parts_encoder import brain, parts_dual, write_nifti
from servers import Server

from spinecho.db.files import file_index, not_indexed, runs
from spinecho.db.schema import clean
from spinecho.db.schema.database import Database
from spinecho.db.values import Listing, Rejection, Scanned, Stat
from spinecho.indexer.pipeline import Summary
from spinecho.indexer.sources.keeping import keep

ODD_TEXT = st.text(
    st.one_of(
        st.sampled_from("\0\ud800\udfff\udce4\x1b\n\r\t\x85\u2028\u202e\ufeff\\\"',;x5CE4"),
        st.characters(exclude_categories=()),
    ),
    max_size=20,
)
NUMBERS = st.one_of(
    st.sampled_from([2**63, -(2**63) - 1, 10**23, 2**62, 0, -1, float("nan"), float("inf"), 1e308]),
    st.integers(),
    st.floats(),
)
ANY_VALUE = st.one_of(ODD_TEXT, NUMBERS, st.booleans(), st.none(), st.lists(ODD_TEXT, max_size=2))
NAMES = st.binary(min_size=1, max_size=12).map(
    lambda name: name.replace(b"\0", b"_").replace(b"/", b"_").replace(b"\n", b"\xe4")
)
SIDECARS = st.dictionaries(
    st.sampled_from(["SeriesNumber", "Manufacturer", "EchoTime", "SeriesDescription", "ImageType", "FlipAngle"]),
    ANY_VALUE,
)
ARCHIVES = st.fixed_dictionaries(
    {
        "folder": NAMES,
        "sidecar": SIDECARS,
        "text": ODD_TEXT,
        "cells": st.lists(st.tuples(ODD_TEXT, ODD_TEXT), max_size=3),
        "objects": st.lists(st.tuples(ANY_VALUE, ANY_VALUE), max_size=3),
    }
)
WORST = {
    "folder": b"Sch\xe4del\\xE4\x1b",
    "sidecar": {"SeriesNumber": 10**23, "SeriesDescription": "a\ud800\0b", "EchoTime": float("nan")},
    "text": "odd \ud800 \0 text",
    "cells": [("A1\0", "cell \udce4"), ("A2" * 5000, "=1+1"), ("", "")],
    "objects": [(10**30, "x\ud800y\0z"), ("A3\udce4", "finding \udfff"), (float("inf"), ["a"])],
}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nifti(tmp_path_factory.mktemp("scan") / "sub-1_T1w.nii.gz", brain(1))


def write(root: Path, scan: Path, odd: dict[str, Any]) -> bytes:
    """An archive with one good study, and odd things beside it; the odd folder's path."""
    good = root / "good"
    good.mkdir(parents=True)
    shutil.copy(scan, good / "sub-good_T1w.nii.gz")
    (good / "ACC1.txt").write_text("FINDINGS: all good here.\n", encoding="utf-8")
    folder = os.path.join(os.fsencode(root), b"n" + odd["folder"])  # noqa: PTH118
    os.mkdir(folder)  # noqa: PTH102
    inside = Path(os.fsdecode(folder))
    name = os.fsdecode(b"s" + odd["folder"].replace(b".", b"_"))
    shutil.copy(scan, inside / f"{name}_T1w.nii.gz")
    (inside / f"{name}_T1w.json").write_text(json.dumps(odd["sidecar"]), encoding="utf-8")
    (inside / f"{name}.txt").write_bytes(
        f"Accession: Q{odd['text']}\nFINDINGS: {odd['text']} seen.\n".encode("utf-8", "surrogatepass")
    )
    rows = [f'"{a}","{b}"'.replace("\n", " ") for a, b in odd["cells"]]
    table = "\n".join(["accession,report", *rows, "A9,FINDINGS: the last row.", ""])
    (inside / "r.csv").write_bytes(table.encode("utf-8", "surrogatepass"))
    lines = [json.dumps({"accession": a, "report": b}) for a, b in odd["objects"]]
    lines.append(json.dumps({"accession": "A8", "report": "FINDINGS: the last line."}))
    (inside / "r.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def holds(home: Home, root: Path, folder: bytes) -> None:
    """Everything good is in, a second run changes nothing, and what is removed is gone without a trace."""
    first = home.index(root, workers=1)
    assert first.counts["pending"] == 0
    texts = {row[0] for row in home.query("SELECT text FROM reports")}
    assert {"FINDINGS: all good here.\n", "FINDINGS: the last row.", "FINDINGS: the last line."} <= texts
    assert home.query("SELECT count(*) FROM files WHERE state = 'pending'") == [(0,)]
    assert home.query("SELECT count(*) FROM volumes") == [(2,)]
    before = home.rows()
    again = home.index(root, workers=1)
    assert again.counts["unchanged"] == again.counts["files"]
    assert home.rows() == before
    shutil.rmtree(os.fsdecode(folder))
    home.index(root, workers=1, prune=True, yes=True)
    left = home.query("SELECT d.path, f.name FROM files f JOIN folders d ON d.id = f.folder_id ORDER BY f.name")
    assert [name for _, name in left] == ["ACC1.txt", "sub-good_T1w.nii.gz"]


@settings(max_examples=3, phases=(Phase.explicit, Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
@given(ARCHIVES)
def test_odd_values_cost_themselves(scan: Path, tmp_path_factory: pytest.TempPathFactory, odd: dict[str, Any]) -> None:
    folder = tmp_path_factory.mktemp("odd")
    root = folder / "archive"
    holds(Home(folder / "home", parts_dual), root, write(root, scan, odd))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_worst_values_on_either_server(
    kind: str, scan: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server = ""
    if kind == "postgresql":
        running: Server = request.getfixturevalue("postgresql")
        server = running.new()
    root = tmp_path / "archive"
    home = Home(tmp_path / "home", parts_dual, server=server)
    holds(home, root, write(root, scan, WORST))


def test_a_root_whose_name_is_no_utf8_is_gone_on_with(scan: Path, tmp_path: Path) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Arch\xefv"))
    write(root, scan, {"folder": b"x", "sidecar": {}, "text": "y", "cells": [], "objects": []})
    home = Home(tmp_path / "home", parts_dual)
    home.index(root)
    database = Database.open(home.database)
    assert [Path(one) for one in runs.last_roots(database)] == [root]
    database.close()
    assert home.index(root).counts["missing"] == 0


@given(st.one_of(st.binary(max_size=30).map(os.fsdecode), st.text("\\x5CE4f\udce4\udc80é", max_size=30)))
def test_a_stored_path_is_a_text_and_leads_back(path: str) -> None:
    stored = clean.stored_path(path)
    stored.encode("utf-8")
    assert clean.real_path(stored) == path
    assert clean.stored_path(stored) == stored or "\\x" in stored


@given(st.dictionaries(ODD_TEXT, st.one_of(ANY_VALUE, st.dictionaries(ODD_TEXT, ANY_VALUE, max_size=3)), max_size=3))
def test_cleaned_json_is_json_that_any_server_takes(value: Any) -> None:
    said = json.dumps(clean.json_value(value), allow_nan=False, ensure_ascii=False)
    said.encode("utf-8")
    assert "\\u0000" not in said


@given(ODD_TEXT)
def test_cleaned_text_is_as_long(value: str) -> None:
    found = clean.text(value)
    assert len(found) == len(value)
    assert "\0" not in found
    found.encode("utf-8")


def test_what_the_database_refuses_costs_itself(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that nobody thought of: the guard's net below the guard."""
    root = tmp_path / "archive"
    for name in ("a", "b", "c"):
        write_nifti(root / f"sub-{name}" / f"sub-{name}_T1w.nii.gz", brain(1))
    home = Home(tmp_path / "home", parts_dual)
    original: Callable[..., Any] = clean.facts

    def poisoned(values: Any) -> Any:
        found = original(values)
        if values.get("patient_id") == "b":
            found["age_years"] = object()
        return found

    monkeypatch.setattr(clean, "facts", poisoned)
    found: Summary = home.index(root, workers=1)
    assert found.counts["series"] == 2
    assert found.reasons == {"NOT_STORED": 1}
    assert found.counts["pending"] == 0


def test_a_batch_is_kept_but_for_the_file_that_is_refused(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "d.sqlite")
    run = runs.start_run(database, ["/a"])
    good = [Scanned("/a", Stat(name, 1, 1), "other", failure=Rejection("NOT_MR", True, "x")) for name in "pqr"]
    file_index.compare(database, root="/a", run=run, listings=[Listing("/a", [one.stat for one in good])])
    bad = Scanned("/a", Stat("q", 1, 1), "dicom", study_uid=object())  # type: ignore[arg-type]
    keep(partial(file_index.record, database, run), [good[0], bad, good[2]])
    found = {Path(failure.path).name: failure.reason for failure in not_indexed.failures(database)}
    assert found == {"p": "NOT_MR", "q": "NOT_STORED", "r": "NOT_MR"}
    database.close()
