"""What the site adds to the pages: reference pages made from the code, notebooks, names for links out of the folder."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import from_code
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).resolve().parents[1]
TOP = DOCS.parent
COPIED = {"changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
"""Pages that lie at the top of the repository."""
MARKERS = {
    "commands": from_code.commands_table,
    "settings": from_code.settings_table,
    "reasons": from_code.reasons_table,
    "python": from_code.python_names,
}
"""`<!-- made: NAME -->` in a page is replaced by what the function gives."""

WEIGHTS = {
    "decisions/": 0.3,
    "changelog": 0.3,
    "benchmarks": 0.6,
    "start": 2,
    "radiologist": 2,
    "researcher": 2,
    "data-team": 2,
}
"""How much a page counts in the search of the site, by how its name begins; 1 where no line fits."""

_LINK_OUT = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#\s]+)(#[^)\s]*)?\)")
_log = get_plugin_logger("spinecho")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Patterns in the navigation become the pages that fit them."""
    config.nav = _expanded(config.nav or [])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file in this folder holds."""
    for name, source in COPIED.items():
        text = (TOP / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=re.sub(r"\]\(docs/", "](", text)))
    for name, text in _command_pages().items():
        files.append(File.generated(config, f"reference/commands/spinecho-{name}.md", content=text))
    for path in sorted((DOCS / "notebooks").glob("*.ipynb")):
        text = from_code.notebook_as_markdown(path)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Weigh the page and fill its markers; a link to a file outside of the site becomes that file's name."""
    for name, made in MARKERS.items():
        if (marker := f"<!-- made: {name} -->") in markdown:
            markdown = markdown.replace(marker, made())
    weight = next((weight for start, weight in WEIGHTS.items() if page.file.src_uri.startswith(start)), 1)
    page.meta.setdefault("search", {"boost": weight})
    here = (DOCS / page.file.src_uri).parent

    def named(match: re.Match[str]) -> str:
        target = (here / match[2]).resolve()
        if target.is_relative_to(DOCS):
            return match[0]
        if not target.exists():
            _log.warning("%s links to %s, which is not there", page.file.src_uri, match[2])
        place = f"`{target.relative_to(TOP).as_posix()}`"
        return place if match[1].strip("`") in match[2] else f"{match[1]} ({place})"

    return _LINK_OUT.sub(named, markdown)


@cache
def _command_pages() -> dict[str, str]:
    return from_code.command_pages()


def _expanded(nav: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in nav:
        match item:
            case "reference/commands/*.md":
                found += [{f"spinecho {name}": f"reference/commands/spinecho-{name}.md"} for name in _command_pages()]
            case str() if "*" in item:
                found += sorted(path.relative_to(DOCS).as_posix() for path in DOCS.glob(item))
            case dict():
                found.append({title: _expanded(of) if isinstance(of, list) else of for title, of in item.items()})
            case _:
                found.append(item)
    return found
