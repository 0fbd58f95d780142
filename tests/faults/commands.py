"""The commands that change files, each as small as it can be, and what they have to come to."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from harness import Command
from hidden import copied, index_without_names, named_files, names_in_copies, names_in_home, whose
from noting import acknowledge, acknowledged, spinecho_command
from parts_encoder import Greys, PartsEncoder, Words
from people import keep_things, kept_things
from small_studies import small_study, study_uid
from taught_home import make_home, parts
from test_adapt import QUICK
from test_adapt import store as store_patients

import spinecho.learning.adapting
from spinecho.db.schema.database import Database
from spinecho.db.schema.engines import Location
from spinecho.db.store.held_spaces import held_spaces, live_encoder
from spinecho.encoders.dual import DualEncoder
from spinecho.encoders.language.vocabulary.table import vocabulary
from spinecho.encoders.registry import ENCODERS
from spinecho.encoders.sandbox.processes import Outcome, Sandbox, Task
from spinecho.encoders.space import Space
from spinecho.errors import SpinechoError
from spinecho.indexer.reports.receiving.spool import Spool as Messages
from spinecho.indexer.sources.spool import Spool as Objects
from spinecho.maintaining.doctor import _Doctor, doctor
from spinecho.search.engine import Engine
from spinecho.search.query import StudyQuery, TextQuery
from spinecho.setup.private import private_files
from spinecho.ui.printing.failing import message_and_status

ENCODERS["parts"] = parts
os.environ |= {"SPINECHO_ENCODER": "parts", "SPINECHO_DEVICE": "cpu"}
NOT_THE_SAME = re.compile(r"(^|_)(id|run|number|checksum)$|_at$|^mtime")
SALT = re.compile(r"""['\"]salt['\"]: ['\"]\w+['\"]""")
NOT_COMPARED = {"runs", "upkeep", "alembic_version", "taught_concepts"}
"""What was done to a home is more where it was done twice; a concept holds how long it took to learn."""


def rows(path: Path) -> dict[str, list[str]]:
    """Every row of every table, less numbers and times."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for name in sorted(names):
            if "fts" in name or name.startswith("sqlite_") or name in NOT_COMPARED:
                continue
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            kept = [one for one in columns if not NOT_THE_SAME.search(one)]
            if kept:
                listed = ", ".join(f'"{one}"' for one in kept)
                taken = connection.execute(f"SELECT {listed} FROM {name}")
                found[name] = sorted(SALT.sub("", repr(row)) for row in taken)
    return found


def answers(home: Path, location: Location | None = None) -> dict[str, Any]:
    """The top of some searches, by words and by likeness. location: of the database, where it is not in the home."""
    database = Database.open(location or home / "spinecho.sqlite", create=False)
    try:
        live = live_encoder(database)
        name = live[1] if live is not None else "parts"
        engine = Engine(database, home / "builds", ENCODERS[name](name))
        with database.engine.connect() as connection:
            uids = [row[0] for row in connection.exec_driver_sql("SELECT uid FROM studies ORDER BY uid LIMIT 2")]
        found = {}
        for query in (TextQuery("pituitary tumour"), *map(StudyQuery, uids)):
            hits = engine.search(query, k=5).hits
            found[str(query)] = [(hit.study.uid, round(hit.score, 3)) for hit in hits if hit.study is not None]
        return found
    finally:
        database.close()


def home_in_the_end(home: Path) -> dict[str, Any]:
    """Its rows, and what doctor still says once it has mended what it can."""
    said = [[one.area, one.severity, one.what] for one in doctor(home, fix=True).findings if not one.fixed]
    return {"rows": rows(home / "spinecho.sqlite"), "doctor": sorted(said)}


def of_home(work: Path) -> dict[str, Any]:
    return home_in_the_end(work / "home")


def of_home_without_names(work: Path) -> dict[str, Any]:
    return of_home(work) | {"whose": whose(work)}


def answering(work: Path) -> Any:
    return answers(work / "home")


def read_here(sandbox: Sandbox, task: Task, give: Any = None) -> Outcome:
    """Read in this process: what is tried here is what is written, and a process for each run takes long to start."""
    import importlib  # noqa: PLC0415

    module, name = task.call.split(":")
    messages = []
    for value, buffers in getattr(importlib.import_module(module), name)(task.arguments):
        part = (value, [bytes(one) for one in buffers])
        give(part) if give is not None else messages.append(part)
    return Outcome(task, messages)


Sandbox._run = read_here  # type: ignore[method-assign]
_Doctor._of_weights = lambda _: iter(())  # type: ignore[method-assign,assignment]  # nothing here writes weights
vocabulary()


def indexed_home(work: Path) -> None:
    """A home without pixels whose index is built, and a definition of a cohort."""
    make_home(work / "home", studies=8)
    with_rule(work)
    assert spinecho_command("builds", "make", "--home", work / "home", "--json") == 0


def nothing(work: Path) -> None:
    """Commands that begin with an empty folder."""


def files(work: Path) -> None:
    for number in range(2):
        small_study(work / "archive", number, series=1, slices=2)
    (work / "archive" / "r.txt").write_text("Accession: ACC0\nFINDINGS: There is a pituitary tumour.\n")


def index(work: Path) -> int:
    return spinecho_command("index", work / "archive", "--home", work / "home", "--workers", 1, "--json")


def on_home(*arguments: str) -> Callable[[Path], int]:
    """A command on the home."""
    return lambda work: spinecho_command(*arguments, "--home", work / "home")


def with_rule(work: Path, *, filter: str = "sequence=FLAIR") -> None:
    (work / "c.toml").write_text(f'name = "c"\n[[include]]\nfilter = "{filter}"\n')


def freeze(work: Path) -> int:
    """Unless it is frozen: a second time would make a second version."""
    if not spinecho_command("cohort", "show", "c", "--home", work / "home", "--json"):
        return 0
    return spinecho_command("cohort", "freeze", work / "c.toml", "--home", work / "home")


def home_with_files(work: Path) -> None:
    """A home of DICOM files, with a cohort of them."""
    files(work)
    assert index(work) == 0
    with_rule(work, filter="everything")
    assert freeze(work) == 0


def copy_files(work: Path) -> int:
    return spinecho_command("cohort", "copy", "c", work / "copies", "--home", work / "home")


def copied_files(work: Path) -> dict[str, Any]:
    return of_home(work) | copied(work)


def export(work: Path) -> int:
    if (work / "exported").exists():
        return 0
    return spinecho_command("cohort", "export", "c", work / "exported", "--home", work / "home", "--pseudonyms")


def exported(work: Path) -> dict[str, Any]:
    found = (work / "exported").iterdir()
    return of_home(work) | {path.name: path.read_text() for path in found if path.suffix == ".csv"}


def copy_database(work: Path) -> int:
    """Unless the copy can be opened, which none can before it is whole."""
    if not spinecho_command("status", "--home", work / "copy"):
        return 0
    return spinecho_command("db", "copy", work / "copy", "--home", work / "home")


def copied_database(work: Path) -> dict[str, Any]:
    return of_home(work) | {"copy": home_in_the_end(work / "copy"), "found": answers(work / "copy")}


def back_up(work: Path) -> int:
    return spinecho_command("backup", work / "backups", "--home", work / "home", "--unencrypted", "--keep", 1)


def backed_up(work: Path) -> dict[str, Any]:
    assert spinecho_command("backup", work / "backups", "--verify", "--unencrypted") == 0
    assert restore(work) == 0
    end = of_home(work) | {"again": home_in_the_end(work / "again"), "found": answers(work / "again")}
    shutil.rmtree(work / "again")
    return end


def restore(work: Path) -> int:
    """Unless it is there, whole as it promises."""
    if (work / "again").exists():
        return 0
    return spinecho_command("restore", work / "backups", "--home", work / "again", "--unencrypted")


def restored(work: Path) -> dict[str, Any]:
    return {"again": home_in_the_end(work / "again"), "found": answers(work / "again")}


def backed_up_home(work: Path) -> None:
    """A home with a backup of before a cohort was frozen."""
    indexed_home(work)
    assert back_up(work) == 0
    assert freeze(work) == 0


def as_a_command(act: Callable[[Path], int | None]) -> Callable[[Path], int]:
    """What is no command of its own, failing as one."""

    def run(work: Path) -> int:
        try:
            return act(work) or 0
        except (SpinechoError, OSError) as error:
            return message_and_status(error)[1]

    return run


MESSAGES = [f"message {n} ".encode() * 50 for n in range(3)]


def receive_messages(work: Path) -> None:
    """What a listener does with messages; a sender sends again what was not acknowledged."""
    spool = Messages(work / "spool")
    for message in MESSAGES:
        if message.decode() not in acknowledged(work):
            spool.keep(message)
            acknowledge(work, message.decode())


def received_messages(work: Path) -> list[str]:
    """Each at least once, since an acknowledgement may be lost; all whole."""
    Messages(work / "spool")
    return sorted({path.read_text() for path in (work / "spool").rglob("*.hl7")})


def receive_objects(work: Path) -> None:
    """What the receiver of a PACS does, and a pull; a sender sends again what was not acknowledged."""
    spool = Objects(work / "spool")
    spool.put_all_back()
    for study in range(2):
        for series in range(2):
            uid = f"{study_uid(study)}.{series}"
            if uid not in acknowledged(work) and not spool.holds(study_uid(study), uid, "1.2.3"):
                spool.put(study_uid(study), uid, "1.2.3", b"bytes" * 2000)
                acknowledge(work, uid)
    spool.settle(study_uid(0))
    spool.settle_stable(0)
    spool.set_aside(study_uid(1))
    spool.drop_aside()


def received_objects(work: Path) -> list[str]:
    return sorted(path.read_text() for path in (work / "spool").rglob("*.dcm"))


class Other(PartsEncoder):
    """Another encoder of the same scans."""

    def __init__(self) -> None:
        super().__init__()
        self.space = Space("other", "1", self.space.preprocessing, self.space.dim)


def other(_: str) -> DualEncoder:
    image = Other()
    return DualEncoder("other", image, Words(), Greys(image.space))


ENCODERS["other"] = other


def add_encoder(work: Path) -> int:
    return spinecho_command("encoders", "add", "other", "--home", work / "home")


def home_of_two(work: Path) -> None:
    home_with_files(work)
    assert add_encoder(work) == 0


def switch(work: Path) -> int:
    return spinecho_command("encoders", "switch", "other", "--home", work / "home")


def retire(work: Path) -> int:
    """Unless it is retired already; the next run deletes what it held."""
    held: list[str] = []

    def look(work: Path) -> None:
        with closing(Database.open(work / "home" / "spinecho.sqlite", create=False)) as database:
            held.extend(one.space.encoder for one in held_spaces(database) if one.state != "retired")

    if status := as_a_command(look)(work):
        return status
    retired = spinecho_command("encoders", "retire", "other", "--home", work / "home") if "other" in held else 0
    return retired or index(work)


def taught_home(work: Path) -> None:
    make_home(work / "home")


def teach(work: Path) -> int:
    """A concept that is kept says of every study what it lacks, once it is applied; a run of indexing does so too."""
    if not spinecho_command("teach", "show", "tumour", "--home", work / "home", "--json"):
        return spinecho_command("teach", "apply", "tumour", "--home", work / "home")
    return spinecho_command("teach", "tumour", "--from", "says:present(pituitary tumour)", "--home", work / "home")


def home_to_adapt(work: Path) -> None:
    with private_files():
        (work / "home").mkdir(mode=0o700)
        database = Database.open(work / "home" / "spinecho.sqlite")
        store_patients(database, 160)
        database.close()


def adapt(work: Path) -> int:
    spinecho.learning.adapting.FitConfig = lambda minutes: QUICK
    return spinecho_command("adapt", "--home", work / "home")


def demo(work: Path) -> int:
    return spinecho_command("demo", work / "demo", "--studies", 1)


def contents(work: Path) -> dict[str, int]:
    found = (path for path in work.rglob("*") if path.is_file())
    return {str(path.relative_to(work)): zlib.crc32(path.read_bytes()) for path in found}


def careless(work: Path) -> int:
    """What no command does: it takes for whole whatever has the right name."""
    if not (work / "facts").exists():
        (work / "facts").write_text("facts " * 100)
    return 0


COMMANDS = [
    Command(
        "index",
        files,
        index,
        of_home,
        None,
        (
            "rename home/builds/space-1/000001",
            "rename home/builds/space-2/CURRENT",
            "rename home/builds/facts/000001",
            "rename home/builds/facts/CURRENT",
        ),
    ),
    Command(
        "index without names",
        named_files,
        index_without_names,
        of_home_without_names,
        names_in_home,
        ("remove home/identities.sqlite-journal",),
    ),
    Command(
        "builds",
        indexed_home,
        on_home("builds", "make"),
        of_home,
        answering,
        ("write home/builds/space-1/000002.partial/index", "rename home/builds/space-1/CURRENT"),
    ),
    Command(
        "freeze",
        indexed_home,
        freeze,
        of_home,
        answering,
        ("write home/spinecho.sqlite-wal",),
        twice="each makes a version of its own",
    ),
    Command("export", home_with_files, export, exported, killed_at=("write .spinecho-export", "rename exported")),
    Command(
        "copy files",
        home_with_files,
        copy_files,
        copied_files,
        names_in_copies,
        ("rename copies/.spinecho-copy.json", ".partial/", "rename copies/manifest.json"),
    ),
    Command(
        "copy database",
        indexed_home,
        copy_database,
        copied_database,
        answering,
        ("link copy/spinecho.sqlite", "rename copy/builds/space-2/000001"),
    ),
    Command(
        "first backup",
        indexed_home,
        back_up,
        backed_up,
        answering,
        ("rename backups/backup.json", "rename backups/packs", "rename backups/manifests"),
    ),
    Command("next backup", backed_up_home, back_up, backed_up, answering, ("remove backups/manifests",)),
    Command("restore", backed_up_home, restore, restored, killed_at=("write .spinecho-restore", "rename again")),
    Command("messages", nothing, as_a_command(receive_messages), received_messages),
    Command(
        "objects",
        nothing,
        as_a_command(receive_objects),
        received_objects,
        twice="where both settle one study, the first may end with 3: docs/reliability.md",
    ),
    Command("encoder", home_with_files, add_encoder, of_home, answering, ("write home/spinecho.sqlite-wal",)),
    Command("switch", home_of_two, switch, of_home, answering),
    Command("retire", home_of_two, retire, of_home, answering),
    Command("teach", taught_home, teach, of_home, answering, twice="each makes a version of its own"),
    Command("adapt", home_to_adapt, adapt, of_home, answering, ("sync home/encoders/.adapting/made/.model",)),
    Command("demo", nothing, demo, contents, kept=lambda _: None),
    Command("people", home_with_files, as_a_command(keep_things), kept_things, None, ("write home/jobs/job.zip",)),
    Command("careless", nothing, careless, contents),
]
