"""Results and facts as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spinecho.answering.ages import age_in_words
from spinecho.indexer.progress import STAGES
from spinecho.ui.scrubbed import scrub_findings, scrub_rows

if TYPE_CHECKING:  # at run time whoever has one of these has imported its module
    from spinecho.answering.results import Hit, Hits, Sentence, SeriesSummary
    from spinecho.filling.outcomes import Joined, Outcome

_MARKS = {"present": "[green]+[/]", "absent": "[red]-[/]", "uncertain": "[yellow]?[/]", "historical": "[blue]<[/]"}


def plain(text: str) -> str:
    """Text from outside, safe to print: no markup; control characters and what is no letter are escaped."""
    return escape(text if text.isprintable() else "".join(map(_visible, text)))


def one_line(text: str) -> str:
    """The same on one line: a name may hold line breaks."""
    return plain(text).replace("\n", "\\n")


def _visible(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    if character == "\t":
        return " "
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte of a name that is no UTF-8
        return f"\\x{code - 0xDC00:02X}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def print_results(console: Console, found: Hits) -> None:
    """A row a study or report, with the sentence that put it there."""
    about = found.encoder
    ranked = found.plan.get("way") in (None, "words", "report")
    console.print(
        f"[dim]{plain(about['name'])} · {found.searched:,} {'vectors searched' if ranked else 'fit'} · "
        f"{sum(found.seconds.values()) * 1000:.0f} ms" + (f" · {about['note']}" if "note" in about else "") + "[/]",
        highlight=False,
    )
    if "fit" in found.plan:
        console.print(
            f"[dim]{found.plan['fit']:,} of {found.plan['compared']:,} that were compared fit[/]", highlight=False
        )
    for line in _understood(found.plan):
        console.print(f"[dim]{plain(line)}[/]", highlight=False)
    if learned := found.plan.get("learned"):
        console.print(f"[dim]from your thumbs: {plain(', '.join(learned))}[/]", highlight=False)
    if found.weights:
        console.print(f"[dim]{plain(weights_line(found.weights))}[/]", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold", row_styles=["", "on grey7"])
    table.add_column("#", justify="right")
    table.add_column("score", justify="right")
    table.add_column("study", overflow="fold", ratio=3)
    table.add_column("series", ratio=3)
    table.add_column("evidence", ratio=6)
    for before, hit in zip((None, *found), found, strict=False):
        if not hit.fits and (before is None or before.fits):
            table.add_row("", "", "[dim]less alike: nothing in these says all of what was asked[/]", "", "")
        table.add_row(str(hit.rank), f"{hit.score:.3f}" if ranked else "", _study(hit), _series(hit), _evidence(hit))
    if found:
        console.print(table, highlight=False)
    for warning in found.warnings:
        console.print(f"[yellow]{plain(warning)}[/]", highlight=False)


def weights_line(weights: Mapping[str, Any]) -> str:
    """What scans counted beside words, for which kind of question, and why."""
    beside = weights["sentences"] + weights["words"] + weights["named"]
    return f"{weights['kind']}: scans count {weights['scans']:.2f} beside {beside:.2f} for words; {weights['why']}"


def _understood(plan: Mapping[str, Any]) -> list[str]:
    """What words were corrected to, taken for, and could be taken for."""
    lines = []
    if corrected := plan.get("corrected"):
        pairs = ", ".join(f"{one['taken']!r} for {one['typed']!r}" for one in corrected)
        lines.append(f"searched for {pairs}; --as-typed keeps the spelling")
    for state, some, option in (("condition", True, "off"), ("offered", False, "on")):
        lines += [
            f"{state}: {one['text']} (--{option} {one['key']!r})" for one in plan.get("offers", ()) if one["on"] is some
        ]
    lines += [f"left out: {one['text']}, as {one['why']}" for one in plan.get("ignored", ())]
    if clauses := plan.get("clauses"):
        lines.append(f"similar to this report, by {len(clauses)} of its sentences")
    return lines


def _study(hit: Hit) -> str:
    if hit.study is None:
        return f"[yellow]no study[/] {plain(hit.accession_number)}"
    study = hit.study
    who = " ".join(part for part in (study.sex or "", age_in_words(study.age_years)) if part)
    when = study.date.isoformat() if study.date else ""
    first = " · ".join(part for part in (when, who, plain(study.description)) if part)
    lines = [*([first] if first else []), f"[dim]{plain(study.uid)}[/]"]
    if hit.same_exam:
        lines.append(f"[yellow]same exam as {plain(', '.join(hit.same_exam))}[/]")
    return "\n".join(lines)


def _series(hit: Hit) -> str:
    lines = []
    for series in hit.series[:4]:
        facts = [fact for fact in (series.plane, series.sequence, series.body_region) if fact != "unknown"]
        facts += ["contrast"] if series.contrast == "yes" else []
        lines.append(plain(" ".join(facts) or series.description or "unknown"))
        if series.predicted:
            lines.append(f"[magenta]predicted[/] [dim]{plain(predicted_line(series))}[/]")
    more = len(hit.series) - len(lines)
    return "\n".join([*lines, *([f"[dim]and {more} more[/]"] if more > 0 else [])])


def predicted_line(series: SeriesSummary) -> str:
    """What heads predicted of a series and how sure they were, e.g. "sequence FLAIR (0.93), age 61 (0.80)"."""
    return ", ".join(
        f"{fact.task} {fact.value if fact.number is None else f'{fact.number:.4g}'} ({fact.score:.2f})"
        for fact in series.predicted
    )


def where_in(series: SeriesSummary) -> str:
    """Where in a series the query fits best, e.g. "region: axial slices 5-8 of the volume, ...", '' where not known."""
    region = series.region
    if region is None or not region.slices:
        return ""
    plane = series.plane if series.plane in region.slices else ""
    planes = [plane] if plane else list(region.slices)
    slices = ", ".join(f"{name} {region.slices[name][0] + 1}-{region.slices[name][1] + 1}" for name in planes)
    low, high = (" ".join(f"{value:.2f}" for value in ends) for ends in (region.box[:3], region.box[3:]))
    return f"best region: slices {slices}; R A S {low} to {high} ({region.similarity:.2f})"


def _evidence(hit: Hit) -> str:
    channels = ", ".join(f"{channel} {value:.2f}" for channel, value in hit.channels.items())
    lines = [_sentence(found) for found in hit.sentences[:2]]
    where = where_in(hit.series[0]) if hit.series else ""
    lines += [f"[cyan]{plain(where)}[/]"] if where else []
    return "\n".join([*lines, f"[dim]{channels}[/]"] if channels else lines)


def _sentence(found: Sentence) -> str:
    mark = "[blue]=[/]" if found.section == "header" else _MARKS.get(found.assertion, " ")
    against = f" [red](contradicts: {found.contradicts})[/]" if found.contradicts else ""
    return f"{mark} {_marked(found)}{against}"


def _marked(found: Sentence) -> str:
    """The sentence with the query's words in bold."""
    parts, at = [], 0
    for start, stop in found.highlights:
        parts += [plain(found.text[at:start]), f"[bold]{plain(found.text[start:stop])}[/]"]
        at = stop
    return "".join([*parts, plain(found.text[at:])])


def print_joined(console: Console, joined: Joined) -> None:
    """What a process did of the run of another."""
    shares = [("series", joined.series), ("volumes", joined.volumes), ("report files", joined.reports)]
    console.print("Took part: " + ", ".join(f"{n:,} {what}" for what, n in shares), highlight=False)
    if joined.outcome is not None:
        console.print("The process that led had stopped; this one led the run to its end.")
        print_summary(console, joined.outcome)
    elif not any(n for _, n in shares):
        console.print("[dim]nothing was left to take, or no other process indexes[/]")


def print_summary(console: Console, summary: Outcome) -> None:
    """What a run did, with seconds by stage."""
    counts = summary.counts
    done = Table(box=None, pad_edge=False, show_header=False)
    for name in ("files", "unchanged", "series", "volumes", "reports", "moved", "missing", "pruned", "pending",
                 "verified", "changed_unseen"):  # fmt: skip
        if counts.get(name):
            done.add_row(name.replace("_", " "), f"{counts[name]:,}")
    for match in ("matched", "unmatched", "ambiguous", "addendum", "superseded", "duplicate", "withdrawn"):
        if counts.get(f"reports_{match}"):
            done.add_row(f"reports {match}", f"{counts[f'reports_{match}']:,}")
    console.print(done)
    times = Table(box=None, pad_edge=False, header_style="bold")
    for stage in (*STAGES, "wall"):
        times.add_column(stage, justify="right")
    times.add_row(*(f"{summary.seconds[stage]:.2f} s" for stage in (*STAGES, "wall")))
    console.print(times)
    if summary.reasons:
        listed = ", ".join(f"{reason} {n}" for reason, n in sorted(summary.reasons.items(), key=lambda item: -item[1]))
        console.print(f"[dim]not indexed:[/] {listed}  [dim](spinecho failures)[/]", highlight=False)
    for meaning, names in summary.report_columns.items():
        listed = ", ".join(f"{name!r} ({n:,} {'file' if n == 1 else 'files'})" for name, n in names.items())
        console.print(f"[dim]{meaning.replace('_', ' ')} of reports taken from:[/] {plain(listed)}", highlight=False)
    if counts.get("hidden"):
        console.print(f"[dim]left out: {counts['hidden']:,} names that begin with a dot[/]", highlight=False)
    if not counts.get("files"):
        console.print("[yellow]The folder holds no files.[/]")
    elif counts.get("missing") and not counts.get("pruned"):
        console.print("[yellow]Missing files stay in the index; --prune forgets them.[/]")
    for warning in summary.warnings:
        console.print(f"[yellow]{plain(warning)}[/]", highlight=False)


def print_status(console: Console, facts: dict[str, Any]) -> None:
    """Counts, encoders and the last run."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("home", plain(facts["home"]))
    for name, n in facts["archive"].items():
        table.add_row(name.replace("_", " "), f"{n:,}")
    for name, n in facts["files"].items():
        table.add_row("files" if name == "files" else f"files {name}", f"{n:,}")
    table.add_row("series pending", f"{facts['pending_series']:,}")
    for role, space in facts["spaces"].items():
        table.add_row(f"{role} encoder", plain(f"{space['model']} ({space['dim']}), build {space['build']}"))
    if facts["self_test"]:
        table.add_row("weights", plain(facts["self_test"]["why"]))
    if facts["evidence"]:
        table.add_row("evidence", plain(facts["evidence"]["why"]))
    run = facts["last_run"]
    if run:
        ended = run["finished_at"] or "not finished: run 'spinecho index' to go on"
        table.add_row("last run", plain(f"{run['started_at']} to {ended}"))
    if facts["copies"]:
        table.add_row("copies kept", f"{facts['copies']} (spinecho db copies)")
    for name, round_summary in scrub_rows(facts.get("scrub")):
        table.add_row(name, plain(round_summary))
    if reading := facts["reading"]:
        memory = f"{reading['memory_mb']:,} MB each" if reading["memory_mb"] else "as much memory as there is"
        network = "a network, which this kernel lets them keep" if reading["network"] else "no network"
        table.add_row("reading processes", f"{memory}, no files written, {network}")
    console.print(table, highlight=False)
    for one in scrub_findings(facts.get("scrub")):
        counted = f"{one['count']:,} " if one["count"] > 1 else ""
        colour = "bold red" if one["severity"] == "error" else "yellow"
        round_summary = f"[{colour}]{one['severity']}[/] {one['area']}: {counted}{plain(one['what'])}"
        console.print(round_summary, highlight=False, soft_wrap=True)
        for example in one["examples"]:
            console.print(f"  {plain(example)}", highlight=False, soft_wrap=True)
        console.print(f"  [dim]{plain(one['remedy'])}[/]", highlight=False, soft_wrap=True)
    for warning in facts["warnings"]:
        console.print(f"[yellow]warning:[/] {plain(warning)}", highlight=False, soft_wrap=True)
    for about in dict.fromkeys(space["about"] for space in facts["spaces"].values()):
        console.print(f"[dim]{plain(about)}[/]", highlight=False)
    for field, values in facts["facets"].items():
        top = ", ".join(f"{plain(value)} {n}" for value, n in list(values.items())[:10])
        console.print(f"[dim]{field.replace('_', ' ')}:[/] {top}", highlight=False)
    for task, n in facts["predicted"].items():
        counts = f"{n['volumes']:,} volumes, sure of {n['known']:,}"
        console.print(f"[dim]predicted {plain(task)}:[/] {counts}", highlight=False)
    for kind, n in facts["not_read"].items():
        console.print(f"[yellow]not read:[/] {n:,} {plain(kind)}", highlight=False)
    if facts["noise"]:
        listed = ", ".join(f"{plain(kind)} {n}" for kind, n in facts["noise"].items())
        console.print(f"[dim]left out:[/] {listed}", highlight=False)
    if facts["reasons"]:
        listed = ", ".join(f"{reason} {n}" for reason, n in facts["reasons"].items())
        console.print(f"[dim]not indexed:[/] {listed}  [dim](spinecho failures)[/]", highlight=False)


def print_failures(console: Console, facts: dict[str, Any]) -> None:
    """By reason with the remedy, then every file."""
    if not facts["failures"] and not facts["reports_without_study"]:
        unseen = (
            f"; {n:,} of them cannot be found, as is told below" if (n := len(facts["reports_out_of_search"])) else ""
        )
        console.print(f"Nothing was rejected, and every report has its study{unseen}.")
    if facts["by_reason"]:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("reason", "files", "what to do"):
            table.add_column(column, justify="right" if column == "files" else "left")
        for row in facts["by_reason"]:
            table.add_row(row["reason"], str(row["files"]), row["remedy"])
        console.print(table, highlight=False)
        console.print()
    for failure in facts["failures"]:
        place = f" (entry {failure['ordinal']})" if failure["ordinal"] else ""
        console.print(
            f"[bold]{failure['reason']}[/] {one_line(failure['path'])}{place}: {one_line(failure['message'])}",
            highlight=False,
            soft_wrap=True,
        )
    for report in facts["reports_without_study"]:
        tried = [f"accession number {report['accession_number']}"] if report["accession_number"] else []
        tried += [f"study UID {report['study_uid']}"] if report["study_uid"] else []
        place = f" (entry {report['ordinal']})" if report["ordinal"] else ""
        keys = " and ".join(tried) or "no key found in it"
        why = f": {report['reason']}" if report["reason"] else ""
        why += f" ({', '.join(report['studies'])})" if report["studies"] else ""
        console.print(
            f"[bold]report {report['match']}[/] {one_line(report['path'])}{place}: tried {plain(keys)}{plain(why)}",
            highlight=False,
            soft_wrap=True,
        )
    for report in facts["reports_out_of_search"]:
        place = f" (entry {report['ordinal']})" if report["ordinal"] else ""
        of = f", of study {report['study_uid']}" if report["study_uid"] else ""
        console.print(
            f"[bold]report {report['standing']}[/] {one_line(report['path'])}{place}: kept, and not found{plain(of)}",
            highlight=False,
            soft_wrap=True,
        )
    for report in facts["reports_charset_guessed"]:
        place = f" (entry {report['ordinal']})" if report["ordinal"] else ""
        console.print(
            f"[bold]CHARSET_GUESSED[/] {one_line(report['path'])}{place}: read as {plain(report['charset'])}; "
            "save it as UTF-8 if that is wrong",
            highlight=False,
            soft_wrap=True,
        )
