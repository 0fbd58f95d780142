"""What people who search feel of the longest work that the server takes on, beside it.

    python -m benchmarks.beside --home HOME [--workers 2] [--people 4] [--seconds 40] [--only longest]

HOME: an index of scans with reports; a copy of it is used. People search with words, with a second of thinking between,
first alone, and then beside the longest query that is accepted (one after the other), three heat maps, one evaluation
and one export of a cohort's tables, each begun again once it is done. Printed: the times of the people alone and
beside, their ratio, and what was done meanwhile.
"""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from benchmarks.common import machine
from benchmarks.endurance import run, served
from spinecho.search.planning.long_text import MOST

_SHOWN = ("lesion", "oedema", "cyst")
_WORDS = ("lesion", "white matter", "no enhancement", "oedema", "disc", "normal brain", "cyst", "left temporal lobe")
_RULES = """
name = "everybody"
[[include]]
what = "all"
filter = "age>=0 or sex=F,M,unknown"
[index]
study = "every"
"""
_WARM = 5.0


class Asker:
    """What one run asks of a server. Threads share it; each has a connection of its own."""

    def __init__(self, port: int, token: str) -> None:
        self._base, self._headers = f"http://127.0.0.1:{port}/api/v1", {"Authorization": f"Bearer {token}"}
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.times: list[float] = []

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self._base, headers=self._headers, timeout=300)

    def person(self, stop: threading.Event, number: int) -> None:
        """Searches, and thinks for a second."""
        words = itertools.cycle(random.Random(number).sample(_WORDS, len(_WORDS)))
        with self.client() as client:
            while not stop.is_set():
                begun = time.perf_counter()
                self._count("search", client.post("/search", json={"words": next(words), "k": 10}).status_code)
                self.times.append(time.perf_counter() - begun)
                stop.wait(1.0)

    def longest(self, stop: threading.Event) -> None:
        """The longest query, one after the other, each another one."""
        with self.client() as client:
            for number in itertools.count():
                if stop.is_set():
                    return
                sentence = f"There is a {number} mm lesion of the left temporal lobe without enhancement. "
                text = (sentence * (MOST // len(sentence) + 1))[:MOST]
                self._count("longest query", client.post("/search", json={"words": text, "k": 100}).status_code)

    def job(self, stop: threading.Event, kind: str, path: str, body: Mapping[str, Any]) -> None:
        """A job, and the next once it is done; heat maps of other words each time."""
        with self.client() as client:
            for number in itertools.count():
                words = {"words": _SHOWN[number % len(_SHOWN)]} if "series" in body else {}
                begun = client.post(f"/jobs/{path}", json={**body, **words})
                if begun.status_code != 202:
                    self.failed[f"{kind}: {begun.status_code} {begun.text[:120]}"] += 1
                    return
                while (state := client.get(f"/jobs/{begun.json()['id']}").json())["state"] in ("queued", "running"):
                    if stop.wait(0.2):
                        client.delete(f"/jobs/{begun.json()['id']}")
                        return
                self._count(kind, 200 if state["state"] == "done" else f"{state['state']}: {state.get('problem')}")

    def _count(self, kind: str, status: int | str) -> None:
        if status == 200:
            self.done[kind] += 1
        else:
            self.failed[f"{kind}: {status}"] += 1


def main() -> None:
    """Print both."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", type=Path, required=True)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--people", type=int, default=4)
    arguments.add_argument("--seconds", type=float, default=40)
    arguments.add_argument("--only", choices=("longest", "evaluations", "exports", "evidence"), help="of that work")
    given = arguments.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(given.home, home)
        rules = Path(folder) / "cohort.toml"
        rules.write_text(_RULES)
        run("cohort", "freeze", str(rules), home=home)
        token = run("token", "create", "beside", "--scope", "read", "--scope", "write", home=home).split()[-1]
        with served(home, Path(folder) / "serve.log", workers=given.workers, jobs=1) as (port, _):
            compare(given, port, token)


def compare(given: argparse.Namespace, port: int, token: str) -> None:
    """Alone, and beside."""
    series = series_of(port, token)
    alone, beside = (measured(given, Asker(port, token), jobs) for jobs in ((), series))
    longest: list[float] = []
    for name, asker in (("alone", alone), ("beside", beside)):
        took = sorted(asker.times)
        longest.append(took[int(0.99 * len(took))])
        print(
            f"{name}: {len(took)} searches, p50 {1000 * statistics.median(took):.0f} ms, "
            f"p99 {1000 * longest[-1]:.0f} ms; done {dict(asker.done)}, failed {dict(asker.failed)}"
        )
    print(f"p99 beside {longest[1] / longest[0]:.2f} of alone")


def series_of(port: int, token: str) -> tuple[str, ...]:
    """Three series whose heat maps are asked for."""
    with Asker(port, token).client() as client:
        hits = client.post("/search", json={"words": "brain", "k": 10}).json()["hits"]
    return tuple(one["series"][0]["uid"] for one in hits if one["series"])[:3]


def measured(given: argparse.Namespace, asker: Asker, series: tuple[str, ...]) -> Asker:
    """What people felt; beside the rest where there are series."""
    stop = threading.Event()
    threads = [threading.Thread(target=asker.person, args=(stop, number)) for number in range(given.people)]
    if series:
        if given.only in (None, "longest"):
            threads.append(threading.Thread(target=asker.longest, args=(stop,)))
        works: list[tuple[str, str, dict[str, Any]]] = [
            ("evaluation", "evaluations", {"queries": 1000}),
            ("export", "exports", {"name": "everybody", "version": 1}),
            *(("heat map", "evidence", {"series": uid}) for uid in series),
        ]
        wanted = [work for work in works if given.only in (None, work[1])]
        threads += [threading.Thread(target=asker.job, args=(stop, *work)) for work in wanted]
    for thread in threads:
        thread.start()
    time.sleep(_WARM)
    asker.times.clear()
    time.sleep(given.seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return asker


if __name__ == "__main__":
    main()
