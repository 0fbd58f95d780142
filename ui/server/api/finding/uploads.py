"""A scan that is sent: written for a moment under numbers, unpacked and read in child processes, and forgotten."""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import UploadFile

from spinecho.encoders.errors import ReadError
from spinecho.errors import NoScan
from spinecho.search.query import ImageQuery, SpotQuery
from spinecho.setup.wiring import read_scan_query, read_spot_query, take_apart

_ENDING = re.compile(r"(?:\.[A-Za-z0-9]{1,8}){1,2}$")


def read_upload(
    files: Sequence[UploadFile], box: str | None, spec: dict[str, Any]
) -> tuple[ImageQuery | SpotQuery, list[str]]:
    """The query that the files make, and why some were left out. Raises `ReadError`, `NoScan`, `BoxError`."""
    with tempfile.TemporaryDirectory(prefix="spinecho-") as name:
        folder = Path(name)
        for number, file in enumerate(files):
            ending = _ENDING.search(file.filename or "")
            with (folder / f"{number:05d}{ending.group().lower() if ending else ''}").open("wb") as out:
                shutil.copyfileobj(file.file, out)
        places = sorted(folder.iterdir())
        place = places[0] if len(places) == 1 else folder
        try:
            if place.suffix == ".zip":
                place = take_apart(place)
            query, left_out = read_scan_query(place, spec) if box is None else read_spot_query(place, box, spec)
        except ReadError as error:
            raise ReadError(error.reason, f"the scan cannot be read: {error.reason}. {error.reason.remedy}") from error
        except NoScan:
            raise NoScan("the files hold no MR image: send DICOM files, a zip of them, or one NIfTI file") from None
    return dataclasses.replace(query, source="scan"), sorted({str(one.reason) for one in left_out})
