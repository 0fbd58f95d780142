"""Hits as a notebook shows them: a calm table with key images, readable on white and on black."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spinecho.results import Hit, Hits

_STYLE = (
    "<style>.spinecho-hits{border-collapse:collapse;font:13px/1.45 system-ui,sans-serif}"
    ".spinecho-hits td{vertical-align:top;text-align:left;padding:8px 12px;border-top:1px solid #8884}"
    ".spinecho-hits img{display:block;width:96px;height:96px;object-fit:contain;background:#000}"
    ".spinecho-hits .dim{opacity:.65}.spinecho-hits p{margin:0 0 2px}</style>"
)


def table_of(hits: Hits) -> str:
    """HTML of a list of hits; every text from outside is escaped."""
    notes = "".join(f'<p class="dim">{escape(one)}</p>' for one in hits.warnings)
    if not hits:
        return f'{_STYLE}<div class="spinecho-hits">{notes or "<p>nothing was found</p>"}</div>'
    rows = "".join(_row(hit) for hit in hits)
    return f'{_STYLE}<div class="spinecho-hits">{notes}<table class="spinecho-hits">{rows}</table></div>'


def _row(hit: Hit) -> str:
    image = ""
    if hit.key_image is not None:
        data = base64.b64encode(hit.key_image).decode("ascii")
        image = f'<img alt="key image" src="data:image/png;base64,{data}">'
    study = hit.study
    facts: list[str] = []
    if study is not None:
        facts = [study.accession_number or study.uid, str(study.date or ""), study.description]
    seen = [_joined((one.sequence, one.plane, one.body_region)) for one in hit.series]
    fit = "" if hit.fits else '<p class="dim">less alike</p>'
    return (
        f"<tr><td>{hit.rank}</td><td>{image}</td>"
        f"<td>{_lines(facts)}{_lines(dict.fromkeys(seen), dim=True)}{fit}</td>"
        f"<td>{_lines(hit.why.splitlines())}</td></tr>"
    )


def _joined(parts: Iterable[str]) -> str:
    return " · ".join(part for part in parts if part and part != "unknown")


def _lines(texts: Iterable[str], *, dim: bool = False) -> str:
    start = '<p class="dim">' if dim else "<p>"
    return "".join(f"{start}{escape(text)}</p>" for text in texts if text)
