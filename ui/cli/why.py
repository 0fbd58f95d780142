"""`spinecho search why`: the slices of a study that speak for some words, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import AsJson, Device, Encoder, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain


@guarded
def why(
    study_uid: Annotated[str, typer.Argument(help="StudyInstanceUID of a study that is indexed.")],
    words: Annotated[str, typer.Argument(help="What is to be seen, e.g. 'lesion of the left temporal lobe'.")],
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for one PNG a series.")] = None,
    slices: Annotated[int, typer.Option(help="Slices to name of each series.", min=1, max=50)] = 3,
    home: Home = None,
    encoder: Encoder = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Tell which slices of a study stand out for some words, and outline what does on the first of them.

    Scores are on one scale for every study: 0 is what these words give to the archive's scans on average, and below the
    floor, which unrelated words reach too, nothing stands out. An outline shows what the encoder compared, not where a
    lesion ends. Nothing is shown while the encoder has not passed its test on this archive ('spinecho status').
    """
    archive = open_archive(read_settings(home=home, encoder=encoder, device=device))
    found = archive.why(study_uid, words, slices=slices, pictures=folder is not None)
    facts: list[dict[str, Any]] = []
    for number, one in enumerate(found, 1):
        named = [{"slice": at, "score": score} for at, score in one.slices]
        name = one.description or one.uid
        facts.append({
            "series": name, "plane": one.plane, "cosine": one.cosine, "score": one.score, "floor": one.floor,
            "stands_out": one.stands_out, "slices": named,
        })  # fmt: skip
        if folder is not None and one.picture is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{number:02d}.png"
            path.write_bytes(one.picture)
            facts[-1]["picture"] = str(path)
    if as_json:
        print_json({"study_uid": study_uid, "words": words, "series": facts})
        return
    for fact in facts:
        scores = ", ".join(f"{one['slice']} ({one['score']:.1f})" for one in fact["slices"])
        told = f"{fact['plane']} slices {scores}" if fact["stands_out"] else "nothing stands out"
        out.print(f"{fact['score']:.1f} of {fact['floor']:.1f}  {plain(fact['series'])}: {told}", highlight=False)
