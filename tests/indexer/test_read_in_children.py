"""What an archive holds is opened by reading processes alone: the process that has the database opens none of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archives import Home
from fuzz_seeds import archives, images, reports
from parts_encoder import parts_dual

_opened: list[str] = []
_listening = False


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _listening and event == "open" and isinstance(arguments[0], (str, bytes)):
        _opened.append(os.fsdecode(arguments[0]))


@contextmanager
def opened_here() -> Iterator[list[str]]:
    """Every path that this process opens; Python takes no hook of it off again."""
    global _listening  # noqa: PLW0603
    if not _opened:
        sys.addaudithook(_hear)
    _opened[:] = ["-"]
    _listening = True
    try:
        yield _opened
    finally:
        _listening = False


def test_no_file_of_any_format_is_opened_by_the_process_that_indexes(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    for kind, seeds in (("images", images()), ("reports", reports()), ("archives", archives())):
        for name, files in seeds.items():
            place = root / kind / name
            place.mkdir(parents=True)
            for file, data in files.items():
                (place / file).write_bytes(data)
    home = Home(tmp_path / "home", parts_dual)
    with opened_here() as opened:
        (root / "heard").write_bytes(b"")
        (root / "heard").unlink()
        summary = home.index(root)
    assert summary.counts["reports"] >= 15
    assert summary.counts["volumes"] >= 5
    assert [path for path in opened if path.startswith(str(root))] == [str(root / "heard")]
