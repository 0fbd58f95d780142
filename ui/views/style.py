"""How the search page looks, and the one way in which text from outside is put on it.

Streamlit's Markdown rewrites text even where every sign is escaped (`>=`, `--`, `:name:`, web addresses), so words
from reports, headers, file names and error messages are always drawn by `st.text`, which shows just its characters.
"""

from __future__ import annotations

import functools

import streamlit as st
from PIL import Image, ImageDraw

_STYLE = """<style>
[data-testid="stMainBlockContainer"] {padding: 4.4rem 2rem 2rem; max-width: 1760px}
[data-testid="stSidebar"]:not(:has([data-testid="stElementContainer"])) {display: none}
[data-testid="stSidebarHeader"] {height: 1.6rem; min-height: 0; padding: 0.2rem 0.8rem 0; margin: 0}
[data-testid="stSidebarUserContent"] {padding: 0 1rem 2rem}
[data-testid="stSidebar"] [data-testid="stVerticalBlock"] {gap: 0.45rem}
[data-testid="stSidebar"] label p {font-size: 0.82rem}
[data-testid="stImage"] img {background: #000; border-radius: 2px}
[data-testid="stText"] {overflow-wrap: anywhere; unicode-bidi: plaintext}
[class*="st-key-recent-"] {gap: 0.6rem}
[class*="st-key-compared-"] :is([data-testid="stText"], [data-testid="stText"] *) {
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis}
@media (max-width: 640px) {[class*="st-key-compared-"] :is([data-testid="stText"], [data-testid="stText"] *) {
  white-space: pre-wrap}}
[data-testid="stElementToolbar"] :has(> [aria-label^="Download as CSV"]) {display: none}
[data-testid="stElementToolbar"] [aria-label^="Download as CSV"] {display: none}
.st-key-line > :first-child {min-width: 220px}
.st-key-counts-waiting {opacity: 0.45}
.st-key-count-line {min-height: 1.4rem}
[class*="st-key-report-"] [data-testid="stText"] {line-height: 1.45}
a.taken {display: inline-flex; align-items: center; min-height: 2.5rem; padding: 0.25rem 0.75rem; white-space: nowrap;
  border: 1px solid var(--taken-line); border-radius: 4px; font-size: 0.875rem;
  color: inherit !important; text-decoration: none !important}
a.taken:hover, a.taken:focus-visible {border-color: var(--taken); color: var(--taken) !important}
a.taken.primary {background: var(--taken); border-color: var(--taken); color: var(--taken-on) !important}
a.taken.primary:hover, a.taken.primary:focus-visible {filter: brightness(1.1)}
:root {--taken: #1b5f8f; --taken-on: #ffffff; --taken-line: #c3c9d0}
</style>"""


_DARK = """<style>
:root {--taken: #8fbfe0; --taken-on: #0b0d10; --taken-line: #343a42}
[data-testid^="stBaseButton-primary"]:not(:disabled), [data-testid^="stBaseButton-primary"]:not(:disabled) *,
[data-baseweb="tag"], [data-baseweb="tag"] * {
  color: #0b0d10 !important}
</style>"""
"""Dark words on the pale accent: white ones could not be read. A disabled button stands on the page's own ground."""


def apply_style() -> None:
    """Less padding, denser rows, pictures on black; no button that takes a table away past the record.

    Constants: nothing from outside is ever in them.
    """
    st.html(_STYLE if st.get_option("theme.base") == "light" else _STYLE + _DARK)


@functools.cache
def icon() -> Image.Image:
    """An echo, drawn here: Streamlit fetches the icons that it knows by name from the network."""
    drawn = Image.new("RGB", (64, 64), "#0f1114")
    points = [(4, 34), (18, 34), (24, 8), (31, 56), (38, 24), (44, 40), (49, 31), (60, 34)]
    ImageDraw.Draw(drawn).line(points, fill="#8fbfe0", width=5, joint="curve")
    return drawn


def trouble(title: str, message: str, *, grave: bool = True) -> None:
    """A message for the person at the screen, word for word, but for a title that it begins with."""
    begins = f"{title}: "
    said = message[len(begins) :] if message.casefold().startswith(begins.casefold()) else message
    with st.container(border=True):
        st.markdown(f":{'red' if grave else 'orange'}[**{title}**]")
        st.text(said)
