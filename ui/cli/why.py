"""`spinecho search why`: the slices of a study that speak for some words, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from spinecho.db.errors import FilesChanged
from spinecho.encoders.preparing.preparation import Grey, drawn, picture
from spinecho.encoders.reading.headers import Header
from spinecho.encoders.sandbox.image_tasks import PreparedVolume, read_task, unpack_read
from spinecho.encoders.sandbox.processes import Sandbox
from spinecho.search.answers.heat import Heat
from spinecho.settings import read_settings
from spinecho.ui.opening import open_desk
from spinecho.ui.printing.options import AsJson, Device, Encoder, Home, guarded, out, print_json
from spinecho.ui.printing.tables import plain
from spinecho.wiring import read_grey

_SIZE = 512
_PLANES = ("sagittal", "coronal", "axial")
_WARM = np.array([255.0, 120.0, 40.0])


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
    desk = open_desk(read_settings(home=home, encoder=encoder, device=device))
    told: list[dict[str, Any]] = []
    for card in desk.series_of(study_uid):
        series = desk.open_series(card)
        heat = desk.evidence(words, series, read_again)
        source, key, name = series.source, series.key, card.description or card.uid
        grey = read_grey(source, key=key)
        shares = heat.along(grey.slice_axis, grey.grey.shape[grey.slice_axis])
        best = np.argsort(-shares, kind="stable")[:slices]
        fact: dict[str, Any] = {
            "series": name,
            "plane": _PLANES[grey.slice_axis],
            "cosine": round(heat.cosine, 4),
            "slices": [{"slice": int(at) + 1, "share": round(float(shares[at]), 4)} for at in best],
        }
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{len(told) + 1:02d}.png"
            shown = overlay(grey.grey, grey.spacing_mm, heat, axis=grey.slice_axis, index=int(best[0]))
            shown.save(path)
            fact["picture"] = str(path)
        told.append(fact)
    told.sort(key=lambda fact: -fact["cosine"])
    if as_json:
        print_json({"study_uid": study_uid, "words": words, "series": told})
        return
    for fact in told:
        named = ", ".join(f"{one['slice']} ({one['share']:.0%})" for one in fact["slices"])
        out.print(f"{fact['cosine']:.3f}  {plain(fact['series'])}: {fact['plane']} slices {named}", highlight=False)


def overlay(grey: Grey, spacing: tuple[float, float, float], heat: Heat, *, axis: int, index: int) -> Image.Image:
    """A slice with the map on it, warm where it speaks for the words; see `encoders.preparing.preparation.drawn`."""
    base = picture(grey, spacing, axis=axis, index=index, size=_SIZE).astype(np.float32)
    map_ = heat.plane(axis, (index + 0.5) / grey.shape[axis])
    lengths = [n * mm for n, mm in zip(grey.shape, spacing, strict=True)]
    steps = tuple(length / count for length, count in zip(lengths, heat.cells.shape, strict=True))
    hot = drawn((map_ * 255).astype(np.uint8), (steps[0], steps[1], steps[2]), axis=axis, size=_SIZE) / 255.0
    strength = 0.55 * np.clip(hot[..., None] - 0.15, 0, 1) / 0.85
    mixed = base[..., None] * (1 - strength) + _WARM * strength
    return Image.fromarray(mixed.clip(0, 255).astype(np.uint8))


def read_again(spec: dict[str, Any], source: tuple[tuple[str, str], ...], key: str) -> PreparedVolume:
    """A stored volume, prepared again from its files as the spec says.

    Raises `FilesChanged` where they have changed or gone.
    """
    headers = [Header.from_json(header, path=path) for path, header in source]
    with Sandbox() as sandbox:
        outcome = sandbox.run(read_task(headers, spec=spec, max_volumes=64, seconds=120.0))
    for item in unpack_read(outcome.messages):
        if isinstance(item, PreparedVolume) and item.key == key:
            return item
    raise FilesChanged("the files of this series have changed or gone; run 'spinecho index' again")
