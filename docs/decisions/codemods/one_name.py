"""Every import of the five packages goes through `spinecho`: `from db.x import` becomes `from spinecho.db.x import`.

Run once from the top of the repository: `python docs/decisions/codemods/one_name.py`. It changes imports, names of
modules in strings ("encoders.image.tasks:scan", `-m ui.cli`, targets of patches) and code inside strings; nothing else.
Running it twice changes nothing more. Afterwards `ruff check --fix --select I` and `ruff format` put lines in order.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("db", "encoders", "indexer", "search", "ui")
NAMES = "|".join(PACKAGES)
SUFFIXES = {".py", ".md", ".toml", ".mako", ".yaml", ".yml", ""}
SKIPPED = {"CHANGELOG.md"}  # history is left as it was

FROM = re.compile(rf"\bfrom ({NAMES})(?=(?:\.[a-z_][\w.]*)? import\b)")
IMPORT = re.compile(r"\bimport (?:[a-z_][\w.]*(?: as \w+)?, )*[a-z_][\w.]*")
MODULE = re.compile(rf"(?<![\w.])({NAMES})(?=\.[a-z_])")
RUN = re.compile(rf"(-m )({NAMES})(?=\.[a-z_])")
QUOTED = re.compile(rf"([\"'])({NAMES})\.([a-z_][a-z_0-9]*)")
IN_PROSE = re.compile(rf"(`)({NAMES})\.([a-z_][a-z_0-9]*)")
PLAIN_IMPORT = re.compile(rf"\bimport (?:[\w.]+, )*spinecho\.((?:{NAMES})\.\w+)(?! import| as)")


def is_module(package: str, name: str) -> bool:
    """Whether `package.name` is a module or a package of ours, and not `search.json` or a local variable."""
    place = ROOT / package / name
    return place.with_suffix(".py").is_file() or place.is_dir()


def in_full(found: re.Match[str]) -> str:
    """A quoted name under its new name, where it is a module's."""
    return f"{found[1]}spinecho.{found[2]}.{found[3]}" if is_module(found[2], found[3]) else found[0]


def renamed(text: str, *, prose: bool) -> str:
    """The text with every mention of a module under its new name; in prose those in backticks too."""
    text = FROM.sub(r"from spinecho.\1", text)
    text = IMPORT.sub(lambda found: MODULE.sub(r"spinecho.\1", found[0]), text)
    text = RUN.sub(r"\1spinecho.\2", text)
    text = QUOTED.sub(in_full, text)
    if prose:
        text = IN_PROSE.sub(in_full, text)
    for module in PLAIN_IMPORT.findall(text):
        text = re.sub(rf"(?:(?<![\w.\"'`])|(?<=\\n)){re.escape(module)}\b", f"spinecho.{module}", text)
    return text


def main() -> None:
    """Rewrite every file that git knows of."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    changed = 0
    for name in listed.splitlines():
        path = ROOT / name
        if path.is_symlink() or path.suffix not in SUFFIXES or name in SKIPPED or path == Path(__file__).resolve():
            continue
        try:
            before = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        after = renamed(before, prose=path.suffix == ".md")
        if after != before:
            path.write_text(after, encoding="utf-8")
            changed += 1
    print(f"{changed} files changed")


if __name__ == "__main__":
    main()
