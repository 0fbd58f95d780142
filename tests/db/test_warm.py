"""A database's file is read ahead where memory allows it, and never gets in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from spinecho.db.schema.database import Database
from spinecho.db.schema.warm import warm, warm_beside


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    with database.begin() as session:
        session.connection().exec_driver_sql(
            "CREATE TABLE many AS SELECT randomblob(1000000) FROM json_each('[1,2,3,4,5,6]')"
        )
    database.close()  # the log goes into the file
    size = (tmp_path / "spinecho.sqlite").stat().st_size
    assert size > 6_000_000
    assert warm(database) == size
    thread = warm_beside(database)
    thread.join(30)
    assert not thread.is_alive()


def test_a_file_that_would_push_itself_out_of_memory_is_left_alone(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    size = (tmp_path / "spinecho.sqlite").stat().st_size
    assert warm(database, memory=size) == 0
    assert warm(database, memory=3 * size) == size
    database.close()


def test_a_file_that_has_gone_is_no_trouble_of_this(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "spinecho.sqlite")
    database.close()
    (tmp_path / "spinecho.sqlite").unlink()
    assert warm(database) == 0


def test_reading_ahead_lets_go_of_no_lock(tmp_path: Path) -> None:
    """SQLite's locks are the process's: whoever closes the file in the same process loses all of them."""
    path = tmp_path / "spinecho.sqlite"
    database = Database.open(path)
    holder = database.engine.connect()  # what keeps the log in place while others come and go
    holder.exec_driver_sql("SELECT count(*) FROM studies").all()
    assert warm(database) > 0
    other = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); list(c.execute('SELECT 1 FROM studies')); c.close()"
    subprocess.run([sys.executable, "-c", other, str(path)], check=True)
    assert path.with_name(path.name + "-wal").exists()
    holder.exec_driver_sql("CREATE TABLE kept AS SELECT 1 AS one")
    holder.commit()
    seen = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT one FROM kept').fetchall())"
    told = subprocess.run([sys.executable, "-c", seen, str(path)], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "[(1,)]"
    holder.close()
    database.close()
