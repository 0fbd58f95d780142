"""Pictures of the answers to the twenty questions of a first week (docs/search.md), over the demonstration archive.

python -m benchmarks.twenty --home demo/home --out pictures
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.browser import chrome, serve

PAGE = Path(__file__).resolve().parents[1] / "docs" / "search.md"
_ROW = re.compile(r"^\| (?P<typed>`[^|]+`) \| (?P<answer>[^|]+) \|$", re.MULTILINE)


def questions() -> tuple[tuple[str, str], ...]:
    """(what is typed, what the page of documentation says is answered), in its order."""
    table = PAGE.read_text(encoding="utf-8").partition("## Twenty questions")[2].partition("\n## ")[0]
    return tuple(
        (typed, row["answer"]) for row in _ROW.finditer(table) for typed in re.findall(r"`([^`]+)`", row["typed"])
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("demo/home"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", type=int, help="numbers of questions, from 1")
    options = parser.parse_args(given)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chrome() as browser:
        home = Path(folder) / "home"
        shutil.copytree(options.home, home)
        with serve(home) as address:
            context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
            page = context.new_page()
            for number, (typed, answer) in enumerate(questions(), start=1):
                if options.only and number not in options.only:
                    continue
                page.goto(address)
                page.get_by_label("Search", exact=True).wait_for(timeout=120_000)
                page.get_by_label("Search", exact=True).fill(typed)
                page.keyboard.press("Enter")
                page.locator(".results .bar").first.wait_for(timeout=60_000)
                page.wait_for_timeout(1500)
                page.screenshot(path=options.out / f"{number:02}.png")
                print(f"{number:02} {typed!r}: {answer.strip()}")
            context.close()


if __name__ == "__main__":
    main()
