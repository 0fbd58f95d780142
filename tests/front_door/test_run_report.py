"""The page on a run: it tells counts, reasons and speeds, names nobody, and is one file that loads nothing."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydicom import dcmread
from small_studies import small_study, study_uid
from typer.testing import CliRunner

import spinecho
from spinecho.db.errors import StoreError
from spinecho.ui.cli.app import app

NAMED = "Zebra"
"""In the name of every folder and file, of every patient, in every description and every report."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[spinecho.Archive, Path]]:
    """An archive in which everything is somebody's, and the page that `index` wrote of it."""
    above = tmp_path_factory.mktemp("run")
    root = above / f"{NAMED} Smith"
    files = [path for n in range(2) for path in small_study(root, n, slices=2)]
    for path in files:
        held = dcmread(path)
        held.PatientName = held.PatientID = held.SeriesDescription = held.StudyDescription = f"{NAMED} t2 brain"
        held.ManufacturerModelName, held.Manufacturer = f"{NAMED}scan", "SIEMENS"
        held.save_as(path)
    (root / f"{NAMED}.dcm").write_bytes(files[0].read_bytes() + b"\0\0")  # a conflict, whose message names a path
    (root / "t.csv").write_text(f"accession,report {NAMED}\nACC0,{NAMED} has a cyst.\n")
    (root / f"x.{NAMED}").write_bytes(b"what is this")
    (root / "latin.txt").write_bytes(f"Accession: ACC1\nIMPRESSION: Zyste, {NAMED}, \xfcber links.".encode("latin-1"))
    home, out = above / "home", above / "run.html"
    arguments = ["index", str(root), "--workers", "1", "--report-html", str(out), "--home", str(home), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1, done.output
    with spinecho.open(home, device="cpu") as archive:
        yield archive, out


def test_the_page_tells_what_the_run_did(page: tuple[spinecho.Archive, Path]) -> None:
    archive, out = page
    text, report = out.read_text(encoding="utf-8"), archive.run_report()
    assert report.did["series"] == 4
    assert report.archive["vendor"] == {"Siemens": 2}
    assert {one["reason"] for one in report.reasons} >= {"CONFLICT", "NOT_READ"}
    assert any(name.startswith("reports read as") for name in report.guessed)
    read = next(one for one in report.stages if one.stage == "read")
    assert read.amount == 4
    assert read.per_second == pytest.approx(4 / read.seconds)
    for said in ("Siemens", "CONFLICT", "reports read as", "Throughput by stage", *report.pictures):
        assert said in text
    assert out.stat().st_mode & 0o077 == 0
    assert report.to_html() == text


def test_the_page_names_nobody(page: tuple[spinecho.Archive, Path]) -> None:
    _, out = page
    text = re.sub(r"base64,[\w+/=]*", "", out.read_text(encoding="utf-8"))
    for named in (NAMED, "SAMPLE", "ACC0", "ACC1", study_uid(0), "1.2.826", "20240101", "cyst", str(out.parent)):
        assert named.lower() not in text.lower()


def test_the_page_is_one_file_that_loads_and_runs_nothing(page: tuple[spinecho.Archive, Path]) -> None:
    _, out = page
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    text = out.read_text(encoding="utf-8")
    Tags().feed(text)
    assert not {tag for tag, _ in seen} & {"script", "link", "iframe", "object", "form"}
    assert all(str(attributes["src"]).startswith("data:image/png;base64,") for tag, attributes in seen if tag == "img")
    assert all(attributes.get("alt") for tag, attributes in seen if tag == "img")
    assert "http:" not in text
    assert "https:" not in text


def test_what_is_shown_is_text_and_small_counts_are_hidden(page: tuple[spinecho.Archive, Path]) -> None:
    archive, _ = page
    report = archive.run_report(pictures=False)
    assert report.pictures == {}
    odd = dataclasses.replace(report, did={"<script>alert(1)</script>": "<5"}).to_html()
    assert "<script>" not in odd
    assert "&lt;5" in odd


def test_a_run_by_its_number(page: tuple[spinecho.Archive, Path], tmp_path: Path) -> None:
    archive, out = page
    home = str(out.parent / "home")
    done = CliRunner().invoke(app, ["run-report", str(tmp_path / "a.html"), "--run", "1", "--home", home, "--json"])
    assert json.loads(done.output) == {"path": str(tmp_path / "a.html"), "run": 1}
    with pytest.raises(StoreError, match="no run 9"):
        archive.run_report(run=9)
    with pytest.raises(StoreError, match="cannot be written"):
        archive.run_report().write(tmp_path / "none" / "a.html")
