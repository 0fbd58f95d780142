"""How quick the reading room is under the hand, in a browser on loopback.

    python -m benchmarks.ui --home HOME [--searches 500]
    python -m benchmarks.ui --volumes 6     (its own archive: how soon 256 x 256 x 180 voxels appear)

First paint: from asking for the page to the search box, of a server that has answered before. Rows: from Enter to the
first row, another question each time. Filter: from ticking to other rows. Rule: from Enter in a cohort's rule to other
counts; neighbours must not leave equally many. Viewer: from the click on a study to its picture. Volumes: from entering
the address of a study in a new tab, and from the click on it among results, to the first slice; read from the files for
it, or read before. Its parts, as the browser marks them: the bytes came, are unpacked, are drawn.
Scrolling: frames that a hundred slices take. Memory: resident bytes of the server over many searches.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np

from benchmarks.browser import chrome, serve_process, until
from benchmarks.common import machine
from spinecho.db.queries import lookup
from spinecho.db.schema.database import Database
from spinecho.indexer.pipeline import index_archive
from spinecho.setup.settings import read_settings
from spinecho.setup.wiring import open_dual, read_levels
from spinecho.ui.views.study.viewer import pack

SIDES, SITES = ("left", "right"), ("frontal", "parietal", "temporal", "occipital")
KINDS = ("lesion", "infarct", "abscess", "glioma", "haemorrhage", "metastasis")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--volumes", type=int, default=0, help="time the viewer alone, with as many large volumes")
    parser.add_argument("--searches", type=int, default=500)
    parser.add_argument("--no-study", action="store_true", help="the home has no scans to open")
    options = parser.parse_args()
    print(machine())
    if options.volumes:
        with tempfile.TemporaryDirectory() as folder:
            large(Path(folder), options.volumes)
        return
    if options.home is None:
        parser.error("--home names the archive to search, or --volumes makes one")
    with serve_process(options.home) as (address, process), chrome() as browser:
        opened(browser, address).context.close()  # loads encoders and index, once for all
        for name, keep in (("in a new tab", True), ("in a browser that was never here", False)):
            first = opened(browser, address)
            paints = []
            for _ in range(8):
                began = time.perf_counter()
                page = opened(browser, address, first.context if keep else None)
                paints.append(time.perf_counter() - began)
                (page if keep else page.context).close()
            first.context.close()
            print_seconds(f"first paint of the search page {name}", paints)
        page = opened(browser, address)
        questions = [f"{kind} in the {side} {site} lobe" for kind in KINDS for side in SIDES for site in SITES]
        print_seconds("text search, from Enter to rows", [asked(page, words) for words in questions[:24]])
        print_seconds("a filter, from click to other rows", [filtered(page) for _ in range(6)])
        if not options.no_study:
            viewed(page)
        print_seconds("a rule of a cohort, from Enter to other counts", recounted(browser, address))
        memory = [resident(process)]
        for number in range(options.searches):
            asked(page, f"{questions[number % len(questions)]} {number}")
            if number % 100 == 99:
                memory.append(resident(process))
        print(f"memory over {options.searches} searches, MB: " + ", ".join(f"{one / 1e6:.0f}" for one in memory))


def opened(browser: Any, address: str, context: Any = None) -> Any:
    context = context or browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Search", exact=True).wait_for(timeout=180_000)
    return page


def asked(page: Any, words: str) -> float:
    """Seconds until the list tells of these words; a chip holds the whole question, as it has no comma."""
    box = page.get_by_label("Search", exact=True)
    box.fill(words)
    began = time.perf_counter()
    box.press("Enter")
    page.locator(".chip", has_text=words).first.wait_for(timeout=60_000)
    return time.perf_counter() - began


def filtered(page: Any) -> float:
    """Seconds until the chip of a filter stands over the list, or is gone."""
    chip = page.locator(".chip.filter")
    box = page.get_by_text("Computed, localizers too").first
    there = chip.count() > 0
    began = time.perf_counter()
    box.click()
    chip.first.wait_for(state="detached" if there else "visible", timeout=60_000)
    return time.perf_counter() - began


def recounted(browser: Any, address: str) -> list[float]:
    """Seconds until the count of studies is another one, for a filter typed as the only rule."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{address}/cohorts")
    count = page.locator('[data-testid="stMetricValue"]').first
    count.wait_for(timeout=120_000)
    seconds = []
    for rule in ("sequence=FLAIR", "sequence=T2", "sex=F", "age>=60", "sequence=FLAIR", "sex=M", "age<60"):
        page.wait_for_timeout(1500)
        page.get_by_label("Condition, row 1").fill(rule)
        was = count.inner_text()
        began = time.perf_counter()
        page.keyboard.press("Enter")
        until(page, """was => document.querySelector('[data-testid="stMetricValue"]')?.innerText !== was""", arg=was)
        seconds.append(time.perf_counter() - began)
    page.context.close()
    return seconds


def viewed(page: Any) -> None:
    began = time.perf_counter()
    page.locator(".name").first.click()
    page.locator(".viewer[data-ready]").wait_for(timeout=60_000)
    print(f"viewer, from click to picture: {1000 * (time.perf_counter() - began):.0f} ms")
    page.wait_for_timeout(500)
    frames = page.evaluate(
        """async () => {
          const times = [];
          for (let step = 0; step < 100; step += 1) {
            document.dispatchEvent(new KeyboardEvent("keydown", { key: step % 20 < 10 ? "ArrowDown" : "ArrowUp" }));
            times.push(await new Promise((done) => requestAnimationFrame(done)));
          }
          return times;
        }"""
    )
    gaps = [after - before for before, after in itertools.pairwise(frames)]
    drawn = float(page.locator(".viewer").get_attribute("data-draw-ms"))
    print(
        f"scrolling: {1000 / statistics.median(gaps):.0f} frames a second (median), one slice drawn in {drawn:.1f} ms"
    )
    page.get_by_role("button", name="Results").click()
    page.locator(".row").first.wait_for(timeout=60_000)


def large(folder: Path, count: int) -> None:
    """Time volumes that were never read, and the same again."""
    write_volumes(folder / "archive", count)
    settings = read_settings(home=folder / "home", device="cpu", environment={})
    database = Database.open(settings.database, create=True)
    index_archive(database, settings.builds, [folder / "archive"], lambda: open_dual(settings))
    read_alone(database)
    database.close()
    for how in (entered, clicked):
        with serve_process(settings.home) as (address, _), chrome() as browser:
            context = opened(browser, address).context  # its cache holds the page's code, as on any day but the first
            how(context, address, 1)  # encoders, index, the reading process
            for name in ("read for it", "read before"):
                parts = [how(context, address, number) for number in range(2, count + 1)]
                print_seconds(f"256 x 256 x 180, {how.__name__}, {name}", [part.pop("seconds") for part in parts])
                for mark in parts[0]:
                    print(f"    {mark}: median {statistics.median(part[mark] for part in parts):.0f} ms")


def write_volumes(folder: Path, count: int) -> None:
    """Heads of noise and folds, each another: their bytes deflate about as well as a real head's."""
    folder.mkdir(parents=True)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in (256, 256, 180)), indexing="ij")
    far = np.sqrt((x / 0.75) ** 2 + (y / 0.9) ** 2 + (z / 0.9) ** 2)
    head = np.where(far < 1, 500, 0) + np.where((far < 1) & (far > 0.93), 400, 0)
    head = head + np.where((far < 0.8) & (np.sin(x * 20) * np.cos(y * 17) * np.sin(z * 15) > 0.3), 200, 0)
    for number in range(1, count + 1):
        noise = np.random.default_rng(number).normal(0, 25, head.shape)
        scan = nibabel.Nifti1Image(np.abs(head + noise).astype(np.int16), np.eye(4))
        nibabel.save(scan, folder / f"sub-{number:02d}_T1w.nii.gz")


def read_alone(database: Database) -> None:
    """What the server does before it can send: read and pack, without a browser beside it."""
    _, key, source = lookup.volume_source(database, 1)
    spent: list[tuple[float, float]] = []
    for _ in range(3):
        began = time.perf_counter()
        volume = read_levels(source, key=key)
        read = time.perf_counter()
        packed = pack(volume, name="x", height=720)
        spent.append((read - began, time.perf_counter() - read))
    one, two = (1000 * statistics.median(times) for times in zip(*spent, strict=True))
    print(f"server alone: read {one:.0f} ms, packed {two:.0f} ms into {len(packed) / 1e6:.1f} MB")


def entered(context: Any, address: str, number: int) -> dict[str, float]:
    page = context.new_page()
    began = time.perf_counter()
    page.goto(f"{address}/study?study={number}")
    page.locator(".viewer[data-ready]").wait_for(timeout=60_000)
    spent = time.perf_counter() - began
    parts = marks(page, 0.0)
    page.close()
    return {"seconds": spent, **parts}


def clicked(context: Any, address: str, number: int) -> dict[str, float]:
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Search", exact=True).wait_for(timeout=60_000)
    asked(page, "brain")
    row = page.locator(".row", has_text=f"sub-{number:02d}").locator(".name")
    row.wait_for()
    page.wait_for_timeout(500)
    begun = float(page.evaluate("performance.now()"))
    began = time.perf_counter()
    row.click()
    page.locator(".viewer[data-ready]").wait_for(timeout=60_000)
    spent = time.perf_counter() - began
    parts = marks(page, begun)
    page.close()
    return {"seconds": spent, **parts}


def marks(page: Any, begun: float) -> dict[str, float]:
    times = page.evaluate("performance.getEntriesByType('mark').map((one) => [one.name, one.startTime])")
    return {name.removeprefix("spinecho-"): at - begun for name, at in times if name.startswith("spinecho-")}


def print_seconds(what: str, seconds: list[float]) -> None:
    ordered = sorted(1000 * one for one in seconds)
    print(f"{what}: median {statistics.median(ordered):.0f} ms, slowest {ordered[-1]:.0f} ms, of {len(ordered)}")


def resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
