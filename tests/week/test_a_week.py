"""A week in the life of a home, from the first schema on, and what has to hold at the end of each of its days.

By the command alone: new studies come in, some are moved, one is torn, a report is corrected; runs are killed; another
encoder is put beside and answers from then on; each day ends with a backup. At the end every backup is restored.
With SPINECHO_WEEKS=10 there are ten weeks more, of days that are drawn, in which any command may be killed at any
moment; with SPINECHO_FIRST_WEEK=10 the next ten.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from first_home import STUDIES, put_home
from forked_commands import Commands
from hospital import FINDINGS, Hospital
from life import COHORT, Life
from small_studies import study_uid

WEEKS = int(os.environ.get("SPINECHO_WEEKS", "0"))
FIRST = int(os.environ.get("SPINECHO_FIRST_WEEK", "0"))
"""Of those that are drawn."""

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs processes that are forked, and sessions of Linux"),
    pytest.mark.timeout(0 if WEEKS else 600),
]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    """A hospital of some studies, and its home of the first schema."""
    hospital = Hospital(tmp_path / "hospital")
    for number in range(STUDIES):
        hospital.receive(number)
    put_home(tmp_path / "home", hospital.folder)
    environment = {"SPINECHO_DEVICE": "cpu", "SPINECHO_USER": "ada", "SPINECHO_ENCODER": "", "SPINECHO_HOME": ""}
    with Commands(tmp_path / "printed", environment) as commands:
        yield Life(commands, hospital, tmp_path / "home", tmp_path / "backups")


def upgrade(life: Life) -> None:
    """By the command as it is installed, as the error says."""
    command = Path(sys.executable).with_name("spinecho")
    refused = subprocess.run(
        [command, "status", "--home", life.home], capture_output=True, text=True, check=False, timeout=120
    )
    assert (refused.returncode, "spinecho db upgrade" in refused.stderr) == (2, True), refused
    done = life.run("db", "upgrade")
    assert done["after"] > "0001"
    assert life.index()["counts"].get("series", 0) == 0, "nothing is read anew"


def test_a_week(life: Life) -> None:
    hospital = life.hospital
    upgrade(life)
    life.end_of_day()

    for number in (4, 5):
        hospital.receive(number)
    counts = life.index()["counts"]
    assert (counts["series"], counts["reports"]) == (4, 2), "only what is new is read"
    life.run("feedback", "add", "tumour", "--good", study_uid(2), "--bad", study_uid(1))
    life.freeze()
    frozen = life.run("cohort", "show", COHORT)["studies"]
    assert frozen == 6
    life.end_of_day()

    hospital.move(5, "another place")
    hospital.tear(4)
    assert life.index()["counts"].get("volumes", 0) <= 1, "what was moved is not read again"
    life.end_of_day()

    hospital.mend()
    for _ in range(3):  # where it ends before it is killed, once more
        for _ in range(3):
            hospital.receive(hospital.next)
        if not life.killed:
            life.killed_once_it_stores("index", hospital.folder, "--workers", 1)
    assert life.killed
    life.index()
    life.end_of_day()

    hospital.report(2, FINDINGS[11])
    life.run("watch", hospital.folder, "--passes", 1, "--workers", 1)
    life.end_of_day()

    was = life.now()
    adding = life.commands.start("encoders", "add", "fine", "--limit", 4, "--json", "--home", life.home)
    assert life.now() == was, "the one that answers goes on answering"
    assert adding.wait().status in {0, 1}
    assert life.run("encoders", "add", "fine")["encoder"]["lacking"] == 0
    assert life.now() == was
    life.end_of_day()

    life.run("encoders", "switch", "fine")
    hospital.remove(0)
    life.index("--prune", "--yes")
    assert life.commands.run("cohort", "show", COHORT, "--home", life.home)["studies"] == frozen
    life.end_of_day()

    life.restore_all()
    life.compare_with_a_fresh_home()
    life.commands.run("backup", life.backups, "--verify", "--unencrypted")
    life.run("db", "copies", "--remove-all")
    assert life.run("doctor")["findings"] == []


if WEEKS:  # minutes each

    @pytest.mark.parametrize("week", range(FIRST, FIRST + WEEKS))
    def test_weeks_that_are_drawn(life: Life, week: int) -> None:
        life.draw = draw = random.Random(week)
        upgrade(life)
        life.end_of_day()
        for _ in range(7):
            for _ in range(draw.randint(1, 3)):
                happens(life, draw)
            match draw.choice(["index", "index", "prune", "watch"]):
                case "index":
                    life.index()
                case "prune":
                    life.index("--prune", "--yes")
                case "watch":
                    life.run("watch", life.hospital.folder, "--passes", 1, "--workers", 1)
            if life.hospital.gone:
                life.index("--prune", "--yes")
                life.hospital.gone = False
            for _ in range(draw.randint(0, 2)):
                is_done(life, draw)
            life.end_of_day()
            life.compare_with_a_fresh_home()
        life.draw = None
        life.restore_all()
        life.hospital.mend()
        life.index("--prune", "--yes")
        life.run("backup", life.backups, "--unencrypted", "--keep", 2)
        assert len(life.commands.run("backup", life.backups, "--verify", "--unencrypted")["whole"]) == 2
        life.run("db", "copies", "--remove-all")
        life.run("doctor", "--fix")
        assert life.run("doctor")["findings"] == []
        assert life.killed


def happens(life: Life, draw: random.Random) -> None:
    """Something that happens to a hospital."""
    hospital = life.hospital
    number = draw.choice(sorted(hospital.known))
    match draw.choice(["receive", "receive", "receive", "move", "tear", "mend", "report", "remove"]):
        case "receive":
            for _ in range(draw.randint(1, 4)):
                hospital.receive(hospital.next)
        case "move":
            hospital.move(number, f"moved {draw.randrange(10**6)}")
        case "tear" if not hospital.torn:
            hospital.tear(number)
        case "mend":
            hospital.mend()
        case "report":
            hospital.report(number, draw.choice(FINDINGS))
        case "remove" if len(hospital.known) > 4:
            hospital.remove(number)


def is_done(life: Life, draw: random.Random) -> None:
    """Something that whoever uses the home does."""
    match draw.choice(["thumb", "freeze", "add", "switch", "rollback", "check", "builds"]):
        case "thumb":
            life.run("feedback", "add", "tumour", draw.choice(["--good", "--bad"]), study_uid(min(life.hospital.known)))
        case "freeze":
            life.freeze()
        case "add":
            life.add_the_other()
        case "switch":
            life.run("encoders", "switch", life.add_the_other())
        case "rollback" if life.serves()[0] == "fine":
            life.roll_back()
        case "check":
            assert not [one for one in life.run("doctor")["findings"] if one["severity"] == "error"]
        case "builds":
            life.run("builds", "make")
