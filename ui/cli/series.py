"""`spinecho search series`: how each series of a study was acquired, and by which rule that is known."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from spinecho.answering.acquired import AcquiredSeries, disputed
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import AsJson, Home, guarded, out, print_json
from spinecho.ui.printing.tables import one_line

if TYPE_CHECKING:
    from spinecho.answering.studies import OtherStudy


@guarded
def series(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID of a study that is indexed.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show how each series of a study was acquired: each fact, the rule that gave it, how sure that rule is.

    Where two sources disagree, such as a description and the echo time, both are named. Below: which series belong
    together, and the other studies of the patient.
    """
    archive = open_archive(read_settings(home=home))
    found, study = archive.acquired(study_uid), archive.study(study_uid)
    if as_json:
        print_json(
            {
                "study_uid": study_uid,
                "series": [dataclasses.asdict(one) for one in found],
                "groups": [dataclasses.asdict(one) for one in study.groups],
                "others": [_plain(one) for one in study.others],
            }
        )
        return
    for one in found:
        _print(one)
    names = {one.uid: one.description or one.uid for one in found}
    for group in study.groups:
        out.print(f"[bold]{group.kind}[/]  [dim]by {', '.join(group.by)}[/]", highlight=False)
        for member in group.members:
            out.print(
                f"  {one_line(names.get(member.series_uid, member.series_uid))}: {one_line(member.part)}",
                highlight=False,
            )
    for other in study.others:
        out.print(f"other study {other.study.uid}: {_apart(other)}", highlight=False)


def _plain(other: OtherStudy) -> dict[str, object]:
    day = other.study.date
    return {
        "uid": other.study.uid,
        "date": None if day is None else day.isoformat(),
        "description": other.study.description,
        "days": other.days,
        "body_regions": list(other.body_regions),
        "same_region": other.same_region,
    }


def _apart(other: OtherStudy) -> str:
    regions = one_line(", ".join(other.body_regions) or "body region not known")
    if other.days is None:
        return f"a date is missing, {regions}"
    return f"{abs(other.days)} days {'before' if other.days < 0 else 'after'}, {regions}"


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
