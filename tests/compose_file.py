"""The compose file as it stands, with its variables filled in as `compose` does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "deployment"
_VARIABLE = re.compile(r"\$\{(\w+)(?::(-|\?)([^}]*))?\}")


def variables() -> dict[str, tuple[str, str]]:
    """Each variable of the file, with the sign behind it and what follows."""
    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    return {name: (sign, rest) for name, sign, rest in _VARIABLE.findall(text)}


def bases() -> dict[str, str]:
    """The images by the names of `bases.env`."""
    lines = (FOLDER / "bases.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def compose(given: Mapping[str, str]) -> dict[str, Any]:
    """The file, parsed; KeyError names a variable that it asks for and nobody gave."""

    def filled(found: re.Match[str]) -> str:
        name, sign, rest = found.groups()
        if name in given:
            return given[name]
        if sign != "-":
            raise KeyError(name)
        return str(rest)

    text = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
    parsed: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(filled, text))
    return parsed
