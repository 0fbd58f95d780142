"""Make `first_home.sql.gz` anew: python tests/week/first_home.py FOLDER.

FOLDER holds this repository as it was before schema 0002 (git archive 7d0cb60 | tar x -C FOLDER): that code indexes the
hospital of the first day, and what its database holds is kept as SQL, with another name for the folder of the hospital
and, as they are large, one picture for all.
"""

from __future__ import annotations

import gzip
import importlib
import io
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
KEPT = HERE / "first_home.sql.gz"
THERE = "/hospital"
"""What the folder is called in what is kept."""
STUDIES = 4


def first_day(folder: Path) -> None:
    """The hospital before the week."""
    sys.path[:0] = [str(HERE.parent), str(HERE)]
    from hospital import Hospital  # noqa: PLC0415

    hospital = Hospital(folder)
    for number in range(STUDIES):
        hospital.receive(number)


def index(old: Path, hospital: Path, home: Path) -> None:
    """With the code of that time."""
    sys.path[:0] = [str(old), str(HERE)]
    from coarse_encoders import encoders as made  # noqa: PLC0415

    space, preparation, pair, registry, command = (
        importlib.import_module(name)
        for name in ("encoders.space", "encoders.image.preparation", "encoders.dual", "encoders.registry", "ui.cli")
    )
    registry.ENCODERS.update(made(space.Space, preparation.SlicePreparation, pair.DualEncoder))
    told = ["index", str(hospital), "--home", str(home), "--workers", "1", "--encoder", "coarse"]
    command.app(told, standalone_mode=False)


def put_home(home: Path, hospital: Path) -> None:
    """A home as that code left it, of this hospital. Its builds are gone; files are as old as they are here."""
    home.mkdir(mode=0o700)
    with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
        connection.executescript(gzip.decompress(KEPT.read_bytes()).decode().replace(THERE, _quoted(hospital)))
        listed = connection.execute(
            "SELECT f.id, d.path || '/' || f.name FROM files f JOIN folders d ON d.id = f.folder_id"
        )
        for number, path in listed.fetchall():
            stat = Path(path).stat()
            connection.execute(
                "UPDATE files SET size = ?, mtime_ns = ? WHERE id = ?", (stat.st_size, stat.st_mtime_ns, number)
            )
        connection.commit()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        hospital, home = Path(made) / "hospital", Path(made) / "home"
        first_day(hospital)
        index(Path(sys.argv[1]), hospital, home)
        with closing(sqlite3.connect(home / "spinecho.sqlite")) as connection:
            picture = io.BytesIO()
            Image.new("L", (8, 8)).save(picture, "png")
            connection.execute("UPDATE thumbnails SET png = ?", (picture.getvalue(),))
            connection.commit()
            lines = "\n".join(connection.iterdump()).replace(_quoted(hospital), THERE)
    KEPT.write_bytes(gzip.compress(lines.encode(), mtime=0))


if __name__ == "__main__":
    main()
