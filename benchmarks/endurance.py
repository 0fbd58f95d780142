"""Many searches, with the archive indexed and its builds swapped beside them, for as long as is asked for.

    python -m benchmarks.endurance [--minutes 20] [--swaps 100] [--clients 8] [--workers 2] [--studies 12]

A synthetic archive is indexed, and `spinecho serve --no-pages` answers for it. Clients search with words, by filter
and by example, one question after the other, and page through some answers by their cursors. Beside them a study
comes every half minute by `spinecho index`, the oldest of those that came goes once `--more` are there (by `--prune`),
so that what grows after that is not the archive, and the builds of both spaces are made anew `--swaps` times.

Printed at the end: requests, those that failed, answers that mix two builds, swaps, and by process of the server how
its memory grew after the first third of the time. An answer mixes two builds where the same question was answered
otherwise under the same `snapshot` (which names the moment and the builds), or where hits are twice in it or out of
the order of their ranks. The exit status is 1 for a failed request, a mixed answer, or a change that failed.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from pydicom import dcmread

from benchmarks.browser import free_port
from benchmarks.common import machine
from spinecho.encoders.sandbox.environment import command_environment
from spinecho.indexer.phantom import write_archive

_COMMAND = [sys.executable, "-m", "spinecho.ui.cli.app"]
_WORDS = (
    "lesion", "metastasis in the brain", "no lesion", "left temporal mass", "oedema", "haemorrhage", "disc herniation",
    "meniscal tear", "normal study", "cyst of the liver",
)  # fmt: skip
_FILTERS = ("", "sequence=FLAIR", "age>40", "sex=F", "sequence=T2 and age<70")
_EVERY, _SAMPLE = 30.0, 1.0
"""Seconds between studies that are added, and between looks at the memory."""


@dataclass
class Seen:
    """What clients saw; threads share it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: int = 0
    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    mixed: list[str] = field(default_factory=list)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    snapshots: set[str] = field(default_factory=set)
    builds: set[str] = field(default_factory=set)
    turned: int = 0
    """Cursors whose next page was of another snapshot, which a client begins again for."""
    gone: set[str] = field(default_factory=set)
    """UIDs of the studies that were taken away."""
    late: int = 0
    """Questions for what looks like one of these, which are answered by saying that it is not there."""

    def take(self, question: str, body: dict[str, Any], seconds: float) -> None:
        """One answer, held against what was answered to the same of the same snapshot."""
        found = [one["study_uid"] for one in body["hits"]]
        digest = hashlib.sha256(json.dumps([body["hits"], body["build"]], sort_keys=True).encode()).hexdigest()
        ranks = [one["rank"] for one in body["hits"]]
        with self.lock:
            self.requests += 1
            self.seconds.append(seconds)
            self.snapshots.add(body["snapshot"])
            self.builds.add(json.dumps(body["build"], sort_keys=True))
            if self.answers.setdefault((body["snapshot"], question), digest) != digest:
                self.mixed.append(f"two answers of one snapshot: {question[:80]}")
            if len(set(found)) != len(found) or ranks != sorted(ranks):
                self.mixed.append(f"hits twice or out of order: {question[:80]}")

    def fail(self, why: str) -> None:
        """A request that was not answered as it should be."""
        with self.lock:
            self.requests += 1
            self.failed[why] += 1


def main() -> None:
    """Print what was seen."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=20)
    arguments.add_argument("--swaps", type=int, default=100)
    arguments.add_argument("--clients", type=int, default=8)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--studies", type=int, default=12)
    arguments.add_argument("--more", type=int, default=4)
    given = arguments.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="spinecho-endurance-") as folder:
        sys.exit(endured(Path(folder), given))


def endured(folder: Path, given: argparse.Namespace) -> int:
    """One run in a new folder; the exit status."""
    archive, home, later = folder / "archive", folder / "home", folder / "later"
    write_archive(archive, studies=given.studies, seed=3)
    write_archive(later, studies=max(2, int(given.minutes * 60 / _EVERY) + 1), seed=4)
    run("index", str(archive), home=home)
    token = run("token", "create", "endurance", home=home).split()[-1]
    with served(home, folder / "serve.log", workers=given.workers, jobs=0) as (port, process):
        return watched(given, process, port, token, lambda seen, stop: changes(seen, stop, given, home, archive, later))


def watched(given: argparse.Namespace, process: int, port: int, token: str, change: Any) -> int:
    """Everything at once, for the time that was given."""
    seen, stop, seconds = Seen(), threading.Event(), given.minutes * 60
    memory: dict[int, list[tuple[float, int]]] = {}
    done: list[Any] = []
    clients = [threading.Thread(target=ask, args=(seen, stop, port, token, number)) for number in range(given.clients)]
    changing = threading.Thread(target=lambda: done.append(change(seen, stop)))
    begun = time.monotonic()
    for thread in (*clients, changing):
        thread.start()
    while (now := time.monotonic() - begun) < seconds:
        for one in [psutil.Process(process), *psutil.Process(process).children(recursive=True)]:
            try:
                memory.setdefault(one.pid, []).append((now, one.memory_full_info().uss))
            except psutil.Error:
                continue
        stop.wait(_SAMPLE)
    stop.set()
    for thread in (*clients, changing):
        thread.join()
    swaps, added, wrong = done[0]
    return told(seen, memory, seconds, swaps, added, wrong)


def told(seen: Seen, memory: dict[int, list[tuple[float, int]]], seconds: float, swaps: int, added: int,
         wrong: list[str]) -> int:  # fmt: skip
    """Print it; the exit status."""
    failed = sum(seen.failed.values())
    print(
        f"{seen.requests:,} requests in {seconds / 60:g} min, {failed} failed, {len(seen.mixed)} mixed two builds; "
        f"median {1000 * statistics.median(seen.seconds or [0]):.0f} ms, longest {max(seen.seconds or [0]):.1f} s"
    )
    print(
        f"{swaps} builds swapped, {added} studies came, {len(seen.snapshots)} snapshots and {len(seen.builds)} pairs "
        f"of builds answered, {seen.turned} cursors met another snapshot, "
        f"{seen.late} questions by a study that had just gone"
    )
    for why, count in (*seen.failed.most_common(5), *Counter(seen.mixed).most_common(5), *Counter(wrong).items()):
        print(f"  {count} x {why}")
    for number, samples in sorted(memory.items()):
        warm = [size for at, size in samples if seconds / 6 <= at < seconds / 3]
        late = [size for at, size in samples if at >= 5 * seconds / 6]
        if warm and late:  # a process that came or went meanwhile has no growth
            before, after = statistics.median(warm), statistics.median(late)
            print(
                f"process {number}: {before / 2**20:.0f} MB once warm, {after / 2**20:.0f} MB at the end, "
                f"{100 * (after - before) / before:+.1f} %"
            )
    return int(bool(failed or seen.mixed or wrong))


def ask(seen: Seen, stop: threading.Event, port: int, token: str, number: int) -> None:
    """One client, until it is stopped."""
    chance, uids = random.Random(number), list[str]()
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers=headers, timeout=60) as client:
        while not stop.is_set():
            way = chance.random()
            if way < 0.2 and uids:
                asked = "/similar", {"study": chance.choice(uids), "k": 5}
            else:
                words = "" if way < 0.4 else chance.choice(_WORDS)
                where = chance.choice(_FILTERS if words else _FILTERS[1:])
                asked = "/search", {"words": words, "where": where, "k": chance.choice((3, 10))}
            body = answer(seen, client, *asked)
            if body is None:
                continue
            uids = [one["study_uid"] for one in body["hits"]] or uids
            while (cursor := body["next"]) is not None and chance.random() < 0.5:
                page = answer(seen, client, asked[0], {**asked[1], "cursor": cursor}, turn=body["snapshot"])
                if page is None or page["snapshot"] != body["snapshot"]:
                    break
                body = page


def answer(
    seen: Seen, client: httpx.Client, path: str, body: dict[str, Any], *, turn: str | None = None
) -> dict[str, Any] | None:
    """One request; None where it failed. turn: the snapshot that the page before was of."""
    begun = time.perf_counter()
    try:
        reply = client.post(path, json=body)
    except httpx.HTTPError as error:
        seen.fail(type(error).__name__)
        return None
    if turn is not None and reply.status_code == 409:  # the archive changed since the page before, and that is said
        with seen.lock:
            seen.turned += 1
        return None
    if reply.status_code == 422 and body.get("study") in seen.gone:
        with seen.lock:
            seen.requests, seen.late = seen.requests + 1, seen.late + 1
        return None
    if reply.status_code != 200:
        seen.fail(f"status {reply.status_code}: {reply.text[:120]}")
        return None
    found: dict[str, Any] = reply.json()
    question = json.dumps(
        [path, {**body, "cursor": bool(turn) and [one["rank"] for one in found["hits"]]}], sort_keys=True
    )
    seen.take(question, found, time.perf_counter() - begun)
    if turn is not None and found["snapshot"] != turn:
        with seen.lock:
            seen.turned += 1
    return found


def changes(
    seen: Seen, stop: threading.Event, given: argparse.Namespace, home: Path, archive: Path, later: Path
) -> tuple[int, int, list[str]]:
    """(builds swapped, studies added, what went wrong): until the time is over."""
    patients = itertools.chain(sorted((later / "dicom").iterdir()))
    pause, swaps, added, wrong = 60 * given.minutes / given.swaps, 0, 0, list[str]()
    begun, grown = time.monotonic(), time.monotonic()
    while not stop.is_set() and swaps < given.swaps:
        try:
            if time.monotonic() - grown >= _EVERY and (patient := next(patients, None)) is not None:
                grown = time.monotonic()
                shutil.copytree(patient, archive / "dicom" / f"later-{added}")
                added += 1
                if added > given.more:
                    oldest = archive / "dicom" / f"later-{added - given.more - 1}"
                    seen.gone |= {str(dcmread(one).StudyInstanceUID) for one in oldest.rglob("*") if one.is_file()}
                    shutil.rmtree(oldest)
                run("index", str(archive), "--prune", "--yes", home=home)
            run("builds", "make", home=home)
            swaps += 1
        except subprocess.CalledProcessError as error:
            wrong.append(f"{' '.join(error.cmd[3:5])}: {error.stderr[-200:]}")
            swaps += 1
        stop.wait(max(0.0, begun + swaps * pause - time.monotonic()))
    return swaps, added, wrong


def run(*arguments: str, home: Path) -> str:
    """What a command prints. Raises `CalledProcessError`."""
    done = subprocess.run(
        [*_COMMAND, *arguments, "--home", str(home)], capture_output=True, text=True, check=True,
        env=command_environment(),
    )  # fmt: skip
    return done.stdout


@contextmanager
def served(home: Path, log: Path, *, workers: int, jobs: int) -> Iterator[tuple[int, int]]:
    """A server without pages over a home: (its port, the number of its process). Raises as `wait_for`."""
    port = free_port()
    serve = [*_COMMAND, "serve", "--no-pages", "--home", str(home), "--port", str(port), "--workers", str(workers),
             "--jobs", str(jobs)]  # fmt: skip
    with log.open("w") as out, subprocess.Popen(
        serve, env={**command_environment(), "SPINECHO_API_RATE": "0"}, stdout=out, stderr=out
    ) as server:  # fmt: skip
        try:
            wait_for(port, server, log)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait(60)


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Until it takes requests. Raises `RuntimeError` with its last words."""
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the server does not become ready: {log.read_text()[-1000:]}")


if __name__ == "__main__":
    main()
