"""Pictures of every page, in the dark and the light, wide and narrow, of the demonstration archive.

python -m benchmarks.screens --home demo/home --out docs/screens     (make screenshots)
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.browser import chrome, serve

WORDS = "ring enhancing lesion in the left frontal lobe, no haemorrhage"
RULES = """name = "frontal-lesions"
description = "Lesions of the frontal lobe, nobody operated"
[[include]]
filter = 'body_region=brain and sequence=T2,FLAIR'
[[include]]
any = [{ filter = 'says:present("lesion")' }, { text = "hyperintense focus", at_least = 0.6 }]
[[exclude]]
filter = 'says:present("craniotomy")'
of = "patient"
[split]
train = 0.6
validation = 0.2
test = 0.2
"""


def search(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_label("Search", exact=True).wait_for(timeout=60_000)
    page.get_by_label("Search", exact=True).fill(WORDS)
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()


def study(page: Any, address: str) -> None:
    search(page, address)
    page.locator(".name").first.click()
    page.locator(".viewer[data-ready]").wait_for(timeout=60_000)


def evidence(page: Any, address: str) -> None:
    study(page, address)
    page.get_by_text("Evidence for the words searched for").click()  # outlines, or why there are none
    page.locator('button[data-do="heat"]').or_(page.get_by_text("evidence cannot be shown")).wait_for(timeout=60_000)


def three(page: Any, address: str) -> None:
    study(page, address)
    page.locator(".viewer").focus()
    page.keyboard.press("d")
    page.locator(".viewer[data-solid]").wait_for(timeout=120_000)
    page.wait_for_timeout(4000)


def compare(page: Any, address: str) -> None:
    page.goto(f"{address}/compare?studies=1,2,3")
    page.locator(".viewer[data-ready]").nth(2).wait_for(timeout=60_000)


def cohorts(page: Any, address: str) -> None:
    page.goto(f"{address}/cohorts")
    page.get_by_text("As text (TOML)").click()
    page.get_by_label("Paste a definition").fill(RULES)
    page.get_by_role("button", name="Use it").click()
    page.get_by_text("Beside the whole archive").wait_for()
    page.wait_for_timeout(2500)
    page.get_by_text("As text (TOML)").click()


def concepts(page: Any, address: str) -> None:
    page.goto(f"{address}/concepts")
    page.get_by_label("Concept", exact=True).fill("enhancing lesion")
    page.keyboard.press("Enter")
    page.get_by_label("From", exact=True).fill("says:present(enhancement)")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Teach", exact=True).click()
    page.get_by_text("Judged by you").wait_for(timeout=60_000)
    page.get_by_role("button", name="Has it not").wait_for(timeout=60_000)


def archive(page: Any, address: str) -> None:
    page.goto(f"{address}/archive")
    page.get_by_text("Studies by body region").wait_for(timeout=60_000)


def the_map(page: Any, address: str) -> None:
    archive(page, address)
    page.get_by_text("Map", exact=True).click()
    page.get_by_label("Colour by").click()
    page.get_by_role("option", name="sequence").click()
    page.locator(".js-plotly-plot").wait_for(timeout=90_000)


def evaluate(page: Any, address: str) -> None:
    page.goto(f"{address}/evaluate")
    page.get_by_role("button", name="Measure").wait_for(timeout=60_000)
    if not page.get_by_text("Compare", exact=True).count():
        page.get_by_role("button", name="Measure").click()
    page.get_by_text("Compare", exact=True).wait_for(timeout=120_000)
    page.locator('[data-testid="stDataFrame"] canvas').first.wait_for(timeout=60_000)


SHOTS: dict[str, Callable[[Any, str], None]] = {
    "search": search, "study": study, "evidence": evidence, "three": three, "compare": compare, "cohorts": cohorts,
    "concepts": concepts, "archive": archive, "map": the_map, "evaluate": evaluate,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path("demo/home"))
    parser.add_argument("--out", type=Path, default=Path("docs/screens"))
    parser.add_argument("--only", nargs="*", default=list(SHOTS), choices=list(SHOTS))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chrome() as browser:
        home = Path(folder) / "home"
        shutil.copytree(options.home, home)
        for theme in ("dark", "light"):
            with serve(home, theme=theme) as address:
                for width in (1440, 1024):
                    for name in options.only:
                        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
                        page = context.new_page()
                        SHOTS[name](page, address)
                        page.wait_for_timeout(1500)
                        page.screenshot(path=options.out / f"{name}-{theme}-{width}.png")
                        context.close()
                        print(f"{name} {theme} {width}")


if __name__ == "__main__":
    main()
