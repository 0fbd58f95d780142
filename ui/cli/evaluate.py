"""The `spinecho evaluate` command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spinecho.db.errors import StoreError
from spinecho.db.filters.algebra import ALL, Filter
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive, opened_or_temporary
from spinecho.ui.printing.conditions import with_filters
from spinecho.ui.printing.console import err, out, print_json
from spinecho.ui.printing.options import MOST, guarded
from spinecho.ui.printing.outputs.evaluation_table import print_evaluation
from spinecho.ui.printing.tables import plain

if TYPE_CHECKING:
    from spinecho.archive import Archive

HELP = """Measure how well an indexed archive is found, every figure with its pool, chance level and 95 % interval.

Without a file it asks what the archive itself can answer:

- **label**: are a scan's nearest scans of the same body region, sequence (within the region) and plane? Scans of the
  same patient never count (`--exclude study`: of the same study).
- **report to study**: does an impression find its study by the rest of its report; does a report find it by the
  words of its headers; and, with an aligned encoder, by the scans themselves, in both directions, among all studies
  and among scans of the same region and sequence? Reports of equal text are one group, and any of it counts.
- **findings**: does the name of a finding put studies whose reports affirm it first, among those of one body region; do
  the findings that a report affirms, clause by clause, find its study there?
- **robust**: does a scan find its patient on another scanner and, with `--copies 100`, does a changed copy find its
  original (a hundred scans are read again, about a second each)?
- **filters**: what is lost when a filter leaves 50, 10, 1 or 0.1 % of the vectors.

With `--judgements` it asks your own queries, as `spinecho search text` does, and gives nDCG@10, P@5 and R@10. One
line for each judged study (CSV with a first line of names, or JSON Lines):

    query,study_uid,grade,set,topic,negates

`query` and `study_uid` are needed; an accession number names a study too, there or in a column `accession_number`.
`grade` is 0 for no answer, then 1, 2, ... for better ones. `set` names a part of
the list, queries of one `topic` say the same in other words, `negates` holds the query that this one is the opposite
of ("no infarct" negates "infarct").

With `--pairs` (columns `text`, `study_uid`) it asks whether texts of your own find the studies they were written about.

With `--suite public FOLDER` it measures the encoder on a public data set that lies in the folder, as it was published,
by a protocol of a name and a version, so that two sites can compare: `radgenome-brain` (BraTS, ISLES, WMH with their
texts), `mr-rate`, `captions` (a table of images with captions). Vectors are kept in the home, and a run that was
stopped goes on; where there is no home yet, everything lies in a temporary one.

With `--self-test` it tests anew how well this archive's scans know what their own reports say, keeps the result, and
tells what scans count in searches from now on. 'spinecho index' does this by itself once 200 patients have a scan and a
report that affirms something, and again when the archive has grown by a fifth. It takes the role manager, and seconds.

The label "chance" is what a random order gives, "best" what a perfect one gives. Patients are resampled, not images.
Exit status: 0 measured, 2 nothing could be.
"""


@guarded
@with_filters
def evaluate(
    public: Annotated[
        Path | None, typer.Argument(metavar="FOLDER", help="Of a public data set, with --suite public.")
    ] = None,
    suite: Annotated[str, typer.Option("--suite", help="archive, or public for a public data set.")] = "archive",
    layout: Annotated[
        str | None,
        typer.Option("--layout", help="How it is laid out; without it the folder tells. See docs/evaluation.md."),
    ] = None,
    split: Annotated[str, typer.Option("--split", help="Which part of it: test, val, train or all.")] = "test",
    judgements: Annotated[
        Path | None, typer.Option("--judgements", help="Queries with known answers: query, study_uid, grade, ...")
    ] = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="Texts and their studies: text, study_uid.")] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Test the channels on this archive, and keep what they are to count.")
    ] = False,
    exclude: Annotated[
        str,
        typer.Option("--exclude", help="Whose scans never count as neighbours: the same patient's or study's."),
    ] = "patient",
    queries: Annotated[
        int,
        typer.Option(
            "--queries", help="At most so many ask, drawn at random; everything is searched.", min=1, max=MOST
        ),
    ] = 1000,
    resamples: Annotated[int, typer.Option("--resamples", help="Draws for each interval.", min=10, max=100_000)] = 1000,
    seed: Annotated[
        int, typer.Option("--seed", help="Another seed draws other queries and resamples.", min=0, max=MOST)
    ] = 0,
    copies: Annotated[
        int | None,
        typer.Option(
            "--copies",
            help="Scans that are read again and changed, to see whether they find their originals. [default: 0, of a "
            "public data set 100]",
            min=0,
            max=10_000,
            show_default=False,
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Also write evaluation.json there, and plots where matplotlib is installed."),
    ] = None,
    *,
    where: Filter,
    home: Annotated[
        Path | None,
        typer.Option("--home", help="Where database and index live. [default: $SPINECHO_HOME or ~/.spinecho]"),
    ] = None,
    encoder: Annotated[str | None, typer.Option("--encoder", help="Encoder to use, see docs/encoders.md.")] = None,
    text_model: Annotated[
        str | None, typer.Option("--text-model", help="Another sentence encoder: its name on a hub, or its folder.")
    ] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda. [default: auto]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Measure how well an indexed archive is found; the page's text is `HELP`."""
    if exclude not in {"patient", "study"}:
        raise typer.BadParameter(f"{exclude!r} is none of: patient, study", param_hint="--exclude")
    if judgements is not None and pairs is not None:
        raise typer.BadParameter("give one of --judgements and --pairs", param_hint="--pairs")
    if suite not in {"archive", "public"}:
        raise typer.BadParameter(f"{suite!r} is none of: archive, public", param_hint="--suite")
    if (suite == "public") is (public is None):
        raise typer.BadParameter(
            "--suite public takes the folder of the data set, and nothing else does", param_hint="FOLDER"
        )
    if suite == "public" and (judgements is not None or pairs is not None or where != ALL or self_test):
        raise typer.BadParameter("takes no --judgements, --pairs, --self-test and no filters", param_hint="--suite")
    if self_test and (judgements is not None or pairs is not None or where != ALL or folder is not None):
        raise typer.BadParameter("is given alone, without files and filters", param_hint="--self-test")
    settings = read_settings(home=home, encoder=encoder, text_model=text_model, device=device)
    if public is not None:
        with opened_or_temporary(settings) as archive, err.status("reading texts") as status:
            found = archive.evaluate_public(
                public, layout=layout, split=split, queries=queries, resamples=resamples, seed=seed,
                copies=100 if copies is None else copies, on_progress=status.update,
            )  # fmt: skip
    else:
        archive = open_archive(settings)
        if self_test:
            _self_test(archive, as_json=as_json)
            return
        with err.status("reading vectors") as status:
            found = archive.evaluate(
                where=where, judgements=judgements, pairs=pairs, queries=queries, resamples=resamples, seed=seed,
                exclude=exclude, copies=copies or 0, on_progress=status.update,
            )  # fmt: skip
    value = found.to_json()
    if folder is not None:
        _write(folder, value, quiet=as_json)
    if as_json:
        print_json(value)
    else:
        print_evaluation(out, found)


def _self_test(archive: Archive, *, as_json: bool) -> None:
    from spinecho.ui.printing.progress_bars import progress_bars  # noqa: PLC0415

    with progress_bars(err, quiet=as_json) as progress:
        facts = archive.self_test(on_progress=progress)
    if as_json:
        print_json(facts)
    else:
        out.print(plain(facts["why"]), highlight=False, soft_wrap=True)


def _write(folder: Path, value: dict[str, Any], *, quiet: bool) -> None:
    path = folder / "evaluation.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}); give another folder with --out") from error
    try:
        from spinecho.ui.printing.outputs.evaluation_plots import write_plots  # noqa: PLC0415
    except ImportError:
        if not quiet:
            err.print("no plots: they need matplotlib (pip install '.[plots]')", style="dim", markup=False)
        return
    write_plots(folder, value)
