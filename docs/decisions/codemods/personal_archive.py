"""`Desk` becomes `PersonalArchive`, `CohortDesk` `PersonalCohorts`, and what a page stands on, `Room`,
`PageContext`.

Run from the top: `python docs/decisions/codemods/personal_archive.py`. It may be run again.
"""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from pathlib import Path

EVERYWHERE = {
    "Desk": "PersonalArchive", "CohortDesk": "PersonalCohorts", "_Desks": "_PersonalArchives",
    "open_desk": "open_personal_archive", "desk": "archive", "_desk": "_archive", "desks": "archives",
    "OpenRoom": "OpenToEverybody", "room_of": "context_of",
}  # fmt: skip
COHORTS = {"desk": "cohorts", "_desk": "_cohorts", "desk_of": "cohorts_of"}
"""Where what was called a desk was one of cohorts."""
OF_COHORTS = {
    "spinecho/lists.py", "ui/views/cohorts/page.py",
    "tests/ui/test_cohorts_page.py", "tests/ui/test_cohorts_builder.py", "tests/search/test_pseudonyms.py",
}  # fmt: skip
FRONT_DOOR = {"_desk": "_personal", "desk": "personal"}
IN_FRONT_DOOR = {
    "spinecho/connection.py", "spinecho/archive.py", "spinecho/questions.py", "spinecho/evidence.py",
    "spinecho/facet_counts.py",
}  # fmt: skip
PAGES = {"Room": "PageContext", "room": "context"}
MODULES = {"search.access.desk": "search.access.personal_archive"}
_BRACED = re.compile(r"\{[^{}]+\}")


def names_of(path: str, source: str) -> dict[str, str]:
    """Old names to new ones within one file."""
    names = dict(EVERYWHERE)
    if path in OF_COHORTS:
        names |= COHORTS
    if path in IN_FRONT_DOOR:
        names |= FRONT_DOOR
    if path.startswith("ui/views/") or path == "ui/page.py" or re.search(r"\broom\.(desk|settings)\b|\bRoom\b", source):
        names |= PAGES
    return names


def in_braces(part: str, names: dict[str, str]) -> str:
    """Names within the braces of an f-string."""
    part = re.sub(r"(?<=\.)desk\b", EVERYWHERE["desk"], part)
    return re.sub(r"(?<![\w.'\"])[A-Za-z_]\w*|(?<=\.)_desk\b", lambda one: names.get(one[0], one[0]), part)


def renamed(source: str, names: dict[str, str]) -> str:
    """The source with its names changed; strings stay, but for the braces of f-strings."""
    lines, changes, after_dot = source.splitlines(keepends=True), [], False
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        text = token.string
        if token.type == tokenize.NAME:
            text = EVERYWHERE[text] if after_dot and text == "desk" else names.get(text, text)
        elif token.type == tokenize.STRING and "f" in text[:2].lower() and token.start[0] == token.end[0]:
            text = _BRACED.sub(lambda part: in_braces(part[0], names), text)
        if text != token.string:
            changes.append((token.start, token.end, text))
        after_dot = token.string == "."
    for start, end, text in reversed(changes):
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + text + line[end[1] :]
    return "".join(lines)


if __name__ == "__main__":
    listed = subprocess.run(["git", "ls-files", "*.py"], check=True, capture_output=True, text=True)
    for name in listed.stdout.split():
        if name.startswith("docs/decisions/"):
            continue
        path = Path(name)
        source = path.read_text(encoding="utf-8")
        changed = renamed(source, names_of(name, source))
        for old, new in MODULES.items():
            changed = changed.replace(old, new).replace("search.access.archive import", f"{new} import")
        if changed != source:
            path.write_text(changed, encoding="utf-8")
