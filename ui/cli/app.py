"""The `spinecho` command."""

from __future__ import annotations

from typing import ClassVar

import typer

from spinecho.ui.cli.lazy import MARKUP, Later, LazyGroup
from spinecho.ui.printing.usage import JsonUsage


class Commands(JsonUsage, LazyGroup):
    """All commands. The line of each is the first paragraph of its help; a test compares them."""

    later: ClassVar = {
        "index": Later("spinecho.ui.cli.index:index", "Index folders of DICOM, NIfTI and reports, or go on with it."),
        "sources": Later(
            "spinecho.ui.cli.sources:sources_app",
            "Where archives come from: folders, PACS, receivers; add, list, test, pull, remove (docs/pacs.md).",
        ),
        "watch": Later(
            "spinecho.ui.cli.watch:watch",
            "Follow sources and folders until it is stopped: what is new is taken and indexed, a line a pass.",
        ),
        "receive-reports": Later(
            "spinecho.ui.cli.receive:receive",
            "Receive reports as HL7 messages over MLLP; each is on the disk before it is acknowledged.",
        ),
        "status": Later(
            "spinecho.ui.cli.status:status", "Show what is indexed, what is pending, and how the last run went."
        ),
        "doctor": Later(
            "spinecho.ui.cli.doctor:doctor_command",
            "Check everything in one go, say what helps, and mend what safely can be (docs/operations.md).",
        ),
        "failures": Later(
            "spinecho.ui.cli.status:failures",
            "List what is not in the index, and why: files by reason, and reports without a study.",
        ),
        "run-report": Later(
            "spinecho.ui.cli.run_report:run_report",
            "Write what a run of 'spinecho index' did as one HTML page for a ticket: it names no patient and no path.",
        ),
        "predict": Later(
            "spinecho.ui.cli.predict:predict",
            "Add what the encoder's heads predict, and its regions, to what was indexed without them.",
        ),
        "demo": Later(
            "spinecho.ui.cli.demo:demo", "Write a synthetic DICOM archive with reports to try everything on."
        ),
        "ui": Later(
            "spinecho.ui.cli.pages:ui",
            "Open the reading room in a browser: search, studies, cohorts, archive, evaluation.",
        ),
        "serve": Later(
            "spinecho.ui.cli.serve:serve",
            "Answer programs and browsers on one port: the API under /api/v1, the pages everywhere else.",
        ),
        "mcp": Later(
            "spinecho.ui.cli.mcp:mcp",
            "Give an assistant tools that search and count, by the Model Context Protocol; they only read.",
        ),
        "evaluate": Later(
            "spinecho.ui.cli.evaluate:evaluate",
            "Measure how well an indexed archive is found, every figure with its pool, chance level and 95 % interval.",
        ),
        "facets": Later(
            "spinecho.ui.cli.facets:facets",
            "Count studies by value, shown / total, for a filter: what there is to choose from, and what it would "
            "leave.",
        ),
        "search": Later("spinecho.ui.cli.search:search_app", "Ask the archive, with words, a scan or a study."),
        "feedback": Later(
            "spinecho.ui.cli.feedback:feedback_app",
            "Thumbs on results: they refine the next search, and become judgements to measure with.",
        ),
        "cohort": Later(
            "spinecho.ui.cli.cohort:cohort_app",
            "Cohorts: choose studies by rules, freeze the list, see what changes, export it.",
        ),
        "reidentify": Later(
            "spinecho.ui.cli.reidentify:reidentify",
            "Show whom pseudonyms stand for, to those who may see it; each is on record (docs/deidentification.md).",
        ),
        "backup": Later(
            "spinecho.ui.cli.backup:backup_command",
            "Back up a home to a folder while it is in use: encrypted, and only what is new (docs/operations.md).",
        ),
        "restore": Later(
            "spinecho.ui.cli.backup:restore_command",
            "Put a backup into a new home, every byte, row and some answers checked.",
        ),
        "db": Later("spinecho.ui.cli.db:db_app", "Look after the database."),
        "builds": Later(
            "spinecho.ui.cli.builds:builds_app",
            "The vector index: its builds, a new one, and what each kind of index would give on your vectors.",
        ),
        "adapt": Later(
            "spinecho.ui.cli.adapt:adapt",
            "Make a better encoder from the archive's own reports, and prove it on held-out patients.",
        ),
        "teach": Later(
            "spinecho.ui.cli.teach:teach_app",
            'Teach a concept from examples: `spinecho teach "pituitary tumour" --from ...` (docs/teaching.md).',
        ),
        "encoders": Later(
            "spinecho.ui.cli.encoders:encoders_app",
            "The encoders that an archive holds: add one beside, compare, switch, roll back, retire "
            "(docs/encoders.md).",
        ),
        "train": Later(
            "spinecho.ui.cli.train:train_app",
            "Train an encoder or heads, from a TOML file; docs/training.md describes its keys.",
        ),
        "token": Later(
            "spinecho.ui.cli.token:token_app",
            "Personal tokens, by which programs ask the server for you: make, list, revoke (docs/api.md).",
        ),
        "record": Later(
            "spinecho.ui.cli.record:record_app", "The record of who did what: is it whole, what does it say."
        ),
    }


app = typer.Typer(
    name="spinecho",
    no_args_is_help=True,
    cls=Commands,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    help="Find MR studies by what is in them: with words, with a scan, or with a study.\n\n"
    'Start with `spinecho index FOLDER`, then `spinecho search text "..."`. '
    "For retrieval, teaching and research; not a diagnostic device.",
)


@app.callback()
def _commands() -> None:
    """Of which there is none before it is asked for."""


if __name__ == "__main__":
    app()
