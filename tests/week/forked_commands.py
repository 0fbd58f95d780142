"""The installed command `spinecho`, each time in a process of its own, which begins with everything imported.

As a program, it reads what is to be run from its input, a line of JSON each, and forks; whoever asked has the process's
number, to kill it or to wait for it. `Commands` asks.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Ended:
    """A command that has ended; status: its exit status, below 0 the signal that ended it."""

    told: str
    status: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """What it printed as JSON."""
        assert self.out.strip(), self
        return json.loads(self.out)


@dataclass
class Running:
    """A command that was started."""

    commands: Commands
    told: tuple[str, ...]
    pid: int
    printed: Path

    def kill(self) -> None:
        """SIGKILL: it gets no word in."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        status = self.commands.ask({"wait": self.pid})
        ended = Ended(
            f"spinecho {' '.join(self.told)}",
            status,
            self.printed.read_text(errors="replace"),
            self.printed.with_suffix(".err").read_text(errors="replace"),
        )
        assert "Traceback" not in ended.err, f"{ended.told}: {ended.err[-3000:]}"
        return ended


@dataclass
class Commands:
    """Starts commands. folder: for what they print."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def __enter__(self) -> Commands:
        self.folder.mkdir(exist_ok=True)
        self._asked = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **self.environment},
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._asked.stdin is not None
        assert self._asked.stdout is not None
        self._asked.stdin.close()
        self._asked.wait()
        self._asked.stdout.close()

    def ask(self, what: dict[str, Any]) -> int:
        assert self._asked.stdin is not None
        assert self._asked.stdout is not None
        self._asked.stdin.write(json.dumps(what) + "\n")
        self._asked.stdin.flush()
        return int(self._asked.stdout.readline())

    def start(self, *told: object) -> Running:
        self._count += 1
        printed = self.folder / f"{self._count}.out"
        words = tuple(map(str, told))
        return Running(self, words, self.ask({"run": words, "printed": str(printed)}), printed)

    def run(self, *told: object, status: int = 0) -> Any:
        """What it prints as JSON, once it has ended with this exit status."""
        ended = self.start(*told, "--json").wait()
        assert ended.status == status, ended
        return ended.value


def _serve() -> None:
    """Fork for each line that asks for a command, and wait for one where a line asks for that."""
    here = Path(__file__).parent
    sys.path.insert(0, str(here))
    from coarse_encoders import encoders  # noqa: PLC0415

    from spinecho.encoders.dual import DualEncoder  # noqa: PLC0415
    from spinecho.encoders.language.vocabulary.table import vocabulary  # noqa: PLC0415
    from spinecho.encoders.preparing.preparation import SlicePreparation  # noqa: PLC0415
    from spinecho.encoders.registry import ENCODERS  # noqa: PLC0415
    from spinecho.encoders.space import Space  # noqa: PLC0415

    ENCODERS.update(encoders(Space, SlicePreparation, DualEncoder))
    vocabulary()
    for name in ("spinecho.archive", "spinecho.indexer.pipeline", "spinecho.indexer.reembed", "spinecho.search.engine"):
        importlib.import_module(name)
    [script] = entry_points(group="console_scripts", name="spinecho")
    main = script.load()
    imported: dict[int, Path] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, code = os.waitpid(asked["wait"], 0)
            _import_too(imported.pop(asked["wait"]))
            answer = os.waitstatus_to_exitcode(code)
        else:
            gc.freeze()
            printed = Path(asked["printed"])
            answer = os.fork()
            if not answer:
                _run(main, asked["run"], printed)
            imported[answer] = printed.with_suffix(".modules")
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _run(main: Any, told: list[str], printed: Path) -> None:
    """Be that command, in this process, to its end."""
    status = 70
    for path, handle in (("/dev/null", 0), (printed, 1), (printed.with_suffix(".err"), 2)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, handle)
        os.close(opened)
    os.setsid()  # no terminal; and whoever it starts can be told by it
    sys.argv = ["spinecho", *told]
    try:
        main()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        printed.with_suffix(".modules").write_text(json.dumps([*sys.modules]))
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()  # type: ignore[attr-defined]
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _import_too(names: Path) -> None:
    """Have what a command imported for those to come."""
    if names.exists():
        for name in set(json.loads(names.read_text())) - set(sys.modules):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        names.unlink()


if __name__ == "__main__":
    _serve()
