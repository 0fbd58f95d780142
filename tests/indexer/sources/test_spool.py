"""Objects that come in while another process begins, which looks for what killed ones left."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spinecho.indexer.sources.spool import Spool


def test_objects_come_in_while_others_open_the_spool(tmp_path: Path) -> None:
    def put(number: int) -> None:
        spool = Spool(tmp_path)
        for place in range(20):
            spool.put("1.2.3", f"1.2.{number}", f"1.2.{number}.{place}", b"an object")
            Spool(tmp_path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    assert len(list(tmp_path.rglob("*.dcm"))) == 80
    assert not list(tmp_path.rglob("*.partial"))
