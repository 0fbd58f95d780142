"""Small archives and homes for the pipeline's tests, and what a home holds in terms that no run order changes."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.registry import open_encoder
from spinecho.indexer.phantom import write_archive
from spinecho.indexer.pipeline import Options, Summary, index_archive
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery


def small_archive(folder: Path, *, studies: int, seed: int = 5, keep: int = 6) -> Path:
    """A synthetic archive with at most `keep` slices a series, so that it reads in a moment."""
    write_archive(folder, studies=studies, seed=seed)
    for series in sorted({path.parent for path in (folder / "dicom").rglob("*.dcm")}):
        slices = sorted(series.glob("*.dcm"))
        middle = len(slices) // 2
        kept = set(slices[max(0, middle - keep // 2) : middle + keep // 2])
        for path in slices:
            if path not in kept:
                path.unlink()
    return folder


@dataclass(frozen=True)
class Home:
    """A database and its builds."""

    folder: Path
    encoders: Callable[[], DualEncoder] = open_encoder
    server: str = ""
    """URL of a PostgreSQL database in place of the file."""

    @property
    def database(self) -> Location:
        return self.server or self.folder / "spinecho.sqlite"

    def index(self, *roots: Path, **options: Any) -> Summary:
        """One reading process unless told otherwise: each costs more to start than these archives take to read."""
        options = {"workers": 1, **options}
        database = Database.open(self.database)
        try:
            return index_archive(
                database, self.folder / "builds", list(roots), self.encoders, options=Options(**options)
            )
        finally:
            database.close()

    def engine(self, **options: Any) -> Engine:
        return Engine(Database.open(self.database), self.folder / "builds", self.encoders(), **options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        database = Database.open(self.database)
        try:
            with database.engine.connect() as connection:
                return [tuple(row) for row in connection.execute(text(sql))]
        finally:
            database.close()

    def count(self, table: str) -> int:
        """Rows of a table while another process writes, -1 before there is one; never makes the database itself."""
        if self.server:
            return int(self.query(f"SELECT count(*) FROM {table}")[0][0])
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.OperationalError:
            return -1
        return count

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything stored, by natural keys instead of row ids."""
        volume = "volumes v JOIN series s ON s.id = v.series_id JOIN studies t ON t.id = s.study_id"
        files = "files f JOIN folders d ON d.id = f.folder_id"
        return {
            "files": self.query(f"SELECT d.path, f.name, f.size, f.state, f.sop_uid FROM {files} ORDER BY 1, 2"),
            "failures": self.query(
                "SELECT d.path, f.name, x.ordinal, x.reason FROM failures x JOIN files f ON f.id = x.file_id"
                " JOIN folders d ON d.id = f.folder_id ORDER BY 1, 2, 3"
            ),
            "studies": self.query(
                "SELECT uid, accession_number, CAST(date AS VARCHAR), sex, age_years FROM studies ORDER BY uid"
            ),
            "volumes": self.query(
                "SELECT t.uid, s.uid, v.key, v.sequence, v.plane, CAST(v.shape AS VARCHAR), CAST(v.flags AS VARCHAR)"
                f" FROM {volume} ORDER BY 1, 2, 3"
            ),
            "volume_files": self.query(
                f"SELECT s.uid, v.key, f.name FROM {volume} JOIN volume_files w ON w.volume_id = v.id"
                " JOIN files f ON f.id = w.file_id ORDER BY 1, 2, 3"
            ),
            "image_vectors": self.query(
                f"SELECT s.uid, v.key, {self.hex('e.data')} FROM {volume}"
                " JOIN vectors e ON e.volume_id = v.id ORDER BY 1, 2"
            ),
            "regions": self.query(
                f"SELECT s.uid, v.key, CAST(r.grid AS VARCHAR), r.cells, {self.hex('r.data')} FROM {volume}"
                " JOIN region_vectors r ON r.volume_id = v.id ORDER BY 1, 2"
            ),
            "predictions": self.query(
                "SELECT s.uid, v.key, p.task, p.value, p.score, p.number, CAST(p.details AS VARCHAR), p.head,"
                f" p.head_revision FROM {volume} JOIN predictions p ON p.volume_id = v.id ORDER BY 1, 2, 3"
            ),
            "passages": self.query(
                "SELECT r.accession_number, p.ordinal, p.text, p.assertion, p.sides FROM passages p"
                " JOIN reports r ON r.id = p.report_id ORDER BY 1, 2, 3"
            ),
            "reports": self.query(
                "SELECT r.accession_number, r.match, t.uid, r.text FROM reports r"
                " LEFT JOIN studies t ON t.id = r.study_id ORDER BY 1, 4"
            ),
            "counts": self.query("SELECT (SELECT count(*) FROM vectors), (SELECT count(*) FROM thumbnails)"),
        }

    def hex(self, column: str) -> str:
        """SQL for the bytes of a column in hexadecimal digits."""
        return f"upper(encode({column}, 'hex'))" if self.server else f"hex({column})"

    def answers(self) -> list[list[tuple[str, float]]]:
        """Top ten by words and by likeness: study UIDs with rounded scores."""
        engine = self.engine()
        queries = [TextQuery(words) for words in ("acute infarct", "enhancing mass on the left", "normal brain")]
        uids = [row[0] for row in self.query("SELECT uid FROM studies ORDER BY uid")]
        found = [engine.search(query, k=10) for query in [*queries, *map(StudyQuery, uids[:3])]]
        return [
            [(hit.study.uid, round(hit.score, 2)) for hit in results.hits if hit.study is not None] for results in found
        ]


def copy_of(home: Home, folder: Path) -> Home:
    """Another home with the same contents."""
    return Home(copy_of_home(home.folder, folder), home.encoders)


def copy_of_home(home: Path, folder: Path) -> Path:
    """A copy of a home that tests share, less the record of what other tests did in it."""
    return Path(shutil.copytree(home, folder, ignore=shutil.ignore_patterns("record.sqlite*")))
