"""Several commands at once over one home, in a file or on a server; then the end is that of one after the other.

This runs as a program of its own, as `harness` does, and forks for each command.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "front_door"), str(HERE.parent), str(HERE)]

import cuts  # noqa: E402
from commands import add_encoder, answers, back_up, copy_files, home_with_files, of_home, on_home  # noqa: E402
from commands import index as index_all  # noqa: E402
from harness import _difference, forked, names_of, started  # noqa: E402
from noting import spinecho_command  # noqa: E402
from servers import Server, running  # noqa: E402
from small_studies import small_study, study_uid  # noqa: E402

PROMISED = ("index", "back up", "freeze", "doctor", "copy database", "encoder")
_BACKUPS = "back up"
_DIFFER = {"access_tokens", "backgrounds", "cohort_versions", "feedback"}
"""Rows that tell when it was, or of how many studies one was chosen then."""
_MAY = {"doctor": {0, 1}}
_AT_ONCE = {**_MAY, "encoder": {0, 1}}
"""Scans that came meanwhile lack the vector of an encoder that is added: 1, which says how many."""


def home_with_more_to_index(work: Path) -> None:
    """A home with a cohort, and studies in its archive that are new."""
    home_with_files(work)
    for number in range(2, 5):
        small_study(work / "archive", number, series=1, slices=2)
    (work / "archive" / "more.txt").write_text("Accession: ACC3\nFINDINGS: No pituitary tumour.\n")
    rule = 'name = "d"\n[[include]]\nfilter = "accession_number=ACC0,ACC1"\n'
    (work / "d.toml").write_text(rule)


def freeze_another(work: Path) -> int:
    if not spinecho_command("cohort", "show", "d", "--home", work / "home", "--json"):
        return 0
    return spinecho_command("cohort", "freeze", work / "d.toml", "--home", work / "home")


CROWD: Mapping[str, Callable[[Path], int]] = {
    "index": index_all,
    "index too": index_all,
    "encoder": add_encoder,
    "freeze": freeze_another,
    "doctor": on_home("doctor", "--fix"),
    "check": on_home("status", "--check"),
    "builds": on_home("builds", "make"),
    "copy database": cuts.copy_to_a_file,
    "back up": back_up,
    "copy files": copy_files,
    "search": on_home("search", "text", "pituitary tumour"),
    "thumb": on_home("feedback", "add", "pituitary tumour", "--good", study_uid(0)),
}


def acted(name: str, work: Path, late: float = 0.0) -> int:
    time.sleep(late)
    return CROWD[name](work)


def in_the_end(work: Path, url: str) -> dict[str, Any]:
    """Rows, answers, what doctor says, and the names of the home's files."""
    found = {"rows": cuts.rows(url)} if url else of_home(work)
    found["rows"] = {name: rows for name, rows in found["rows"].items() if name not in _DIFFER}
    return found | {"answers": answers(work / "home", url or None), "files": names_of(work / "home")}


class Crowds:
    """Rounds over copies of one home. server: where its rows lie, None for a file."""

    def __init__(self, folder: Path, server: Server | None) -> None:
        self._work, self._base, self._folder, self._server, self._n = (
            folder / "work",
            folder / "base",
            folder,
            server,
            0,
        )
        self._work.mkdir(parents=True)
        self._do(lambda: home_with_more_to_index(self._work))
        if server is not None:
            url = server.make("crowds")
            self._do(lambda: spinecho_command("db", "copy", url, "--home", self._work / "home"))
            for path in (self._work / "home").glob("spinecho.sqlite*"):
                path.unlink()
        self._work.rename(self._base)

    def problems(self, names: Sequence[str], late: Sequence[float]) -> Iterator[str]:
        """What is wrong once these have run at once, each so many seconds late, and what was refused was repeated."""
        alone = self._round(names, None)
        together = self._round(names, late)
        yield from together[1]
        if alone[0] != together[0]:
            yield f"in the end: {_difference(alone[0], together[0])}"

    def _round(self, names: Sequence[str], late: Sequence[float] | None) -> tuple[Any, list[str]]:
        shutil.rmtree(self._work, ignore_errors=True)
        shutil.copytree(self._base, self._work)
        url, told = "", list[str]()
        if self._server is not None:
            self._n += 1
            url = self._server.make(f"crowd{self._n}", "TEMPLATE crowds STRATEGY file_copy")
            os.environ["SPINECHO_DATABASE"] = url
        if late is not None:
            running = []
            for name, seconds in zip(names, late, strict=True):
                (self._folder / name).mkdir(exist_ok=True)
                running.append(started(partial(acted, name, self._work, seconds), self._folder / name))
            for name, ended in zip(names, [one() for one in running], strict=True):
                refused = ended.status not in _AT_ONCE.get(name, {0})
                if "Traceback" in ended.printed or (refused and "error: " not in ended.printed) or ended.status > 3:
                    told.append(f"{name}: exit status {ended.status}: {ended.printed[-900:]}")
        for name in names if late is None else sorted(names):
            again = forked(partial(acted, name, self._work), self._folder)
            if again.status not in _MAY.get(name, {0}):
                told.append(f"{name}, alone: exit status {again.status}: {again.printed[-900:]}")
        for last in (index_all, add_encoder):
            self._do(partial(last, self._work))
        found = forked(lambda: in_the_end(self._work, url), self._folder)
        if found.status:
            told.append(found.printed[-1500:])
        os.environ.pop("SPINECHO_DATABASE", None)
        return found.value, told

    def _do(self, act: Callable[[], object]) -> None:
        done = forked(act, self._folder)
        assert not done.status, done.printed


def main() -> None:
    """Arguments: how many rounds are drawn, 0 for the one that is promised. A line of JSON for each."""
    rounds = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as made, running() if rounds else nullcontext() as server:
        for where in (None, server) if rounds else (None,):
            crowds = Crowds(Path(made) / ("file" if where is None else "server"), where)
            known = sorted(name for name in CROWD if where is None or name != _BACKUPS)
            for seed in range(max(rounds, 1)):
                drawn = random.Random(seed)
                names = drawn.sample(known, drawn.randint(2, 6)) if rounds else list(PROMISED)
                late = [drawn.choice([0, 0, 0.1, drawn.random()]) for _ in names] if rounds else [0.0] * len(names)
                problems = list(crowds.problems(names, late))
                sys.stdout.write(json.dumps({"seed": seed, "names": names, "problems": problems}) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
