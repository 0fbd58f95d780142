"""How quick the reading room is under the hand, in a browser on loopback.

    python -m benchmarks.ui --home HOME [--searches 500]

First paint: from asking for the page to the search box, of a server that has answered before. Rows: from Enter to the
first row, another question each time. Filter: from ticking to other rows. Rule: from Enter in a cohort's rule to other
counts; neighbours must not leave equally many. Viewer: from the click on a study to its
picture.
Scrolling: frames that a hundred slices take. Memory: resident bytes of the server over many searches.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.browser import chrome, serve_process
from benchmarks.common import machine

SIDES, SITES = ("left", "right"), ("frontal", "parietal", "temporal", "occipital")
KINDS = ("lesion", "infarct", "abscess", "glioma", "haemorrhage", "metastasis")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--searches", type=int, default=500)
    parser.add_argument("--no-study", action="store_true", help="the home has no scans to open")
    options = parser.parse_args()
    print(machine())
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
            told(f"first paint of the search page {name}", paints)
        page = opened(browser, address)
        questions = [f"{kind} in the {side} {site} lobe" for kind in KINDS for side in SIDES for site in SITES]
        told("text search, from Enter to rows", [asked(page, words) for words in questions[:24]])
        told("a filter, from click to other rows", [filtered(page) for _ in range(6)])
        if not options.no_study:
            viewed(page)
        told("a rule of a cohort, from Enter to other counts", recounted(browser, address))
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
        page.wait_for_function(
            """was => document.querySelector('[data-testid="stMetricValue"]')?.innerText !== was""", arg=was
        )
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


def told(what: str, seconds: list[float]) -> None:
    ordered = sorted(1000 * one for one in seconds)
    print(f"{what}: median {statistics.median(ordered):.0f} ms, slowest {ordered[-1]:.0f} ms, of {len(ordered)}")


def resident(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
