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
    """Tell which slices of a study speak for some words, and draw the first of them with a heat map.

    The map is what each place adds to the cosine of the scan with the words: what the encoder compared, not where a
    lesion ends.
    """
    archive = open_archive(read_settings(home=home, encoder=encoder, device=device))
    found = archive.why(study_uid, words, slices=slices, pictures=folder is not None)
    facts: list[dict[str, Any]] = []
    for number, one in enumerate(found, 1):
        named = [{"slice": at, "share": share} for at, share in one.slices]
        name = one.description or one.uid
        facts.append({"series": name, "plane": one.plane, "cosine": one.cosine, "slices": named})
        if folder is not None and one.picture is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{number:02d}.png"
            path.write_bytes(one.picture)
            facts[-1]["picture"] = str(path)
    if as_json:
        print_json({"study_uid": study_uid, "words": words, "series": facts})
        return
    for fact in facts:
        shares = ", ".join(f"{one['slice']} ({one['share']:.0%})" for one in fact["slices"])
        out.print(f"{fact['cosine']:.3f}  {plain(fact['series'])}: {fact['plane']} slices {shares}", highlight=False)
