"""`spinecho search series`: how each series of a study was acquired, and by which rule that is known."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from spinecho.answering.acquired import AcquiredSeries, disputed
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import one_line


@guarded
def series(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID of a study that is indexed.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show how each series of a study was acquired: each fact, the rule that gave it, how sure that rule is.

    Where two sources disagree, such as a description and the echo time, both are named.
    """
    found = open_archive(read_settings(home=home)).acquired(study_uid)
    if as_json:
        print_json({"study_uid": study_uid, "series": [dataclasses.asdict(one) for one in found]})
        return
    for one in found:
        _print(one)


def _print(one: AcquiredSeries) -> None:
    out.print(f"[bold]{one_line(one.description or one.uid)}[/]", highlight=False)
    for name, value in one.facts.items():
        if value in (None, "unknown", "", []):
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        ground = one.why.get(name)
        by = f"  [dim]{ground['rule']}, {ground['confidence']:.0%}[/]" if ground else ""
        out.print(f"  {name.replace('_', ' ')}: {one_line(shown)}{by}", highlight=False)
    for line in disputed(one.why):
        out.print(f"  [yellow]disputed:[/] {one_line(line)}", highlight=False)
