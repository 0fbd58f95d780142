"""Files that pages hand out: as often as they are asked for, made at each press, until nobody offers them any more."""

from __future__ import annotations

import gc
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from spinecho.search.access.persons import Refused
from spinecho.ui.server.downloads import ROUTE, Download, offer

client = TestClient(Starlette(routes=[ROUTE]))


def offered(make: Callable[[], bytes | str], name: str = "cohort.zip") -> Download:
    download = Download(name, "application/zip", make)
    offer(download)
    return download


def test_it_is_made_at_each_press_and_a_look_at_its_headers_makes_nothing() -> None:
    made: list[int] = []
    download = offered(lambda: bytes([len(made), *made]) if not made.append(len(made)) else b"")
    assert client.head(download.address).status_code == 200
    assert not made
    assert [client.get(download.address).content for _ in range(2)] == [bytes([1, 0]), bytes([2, 0, 1])]


@pytest.mark.parametrize("name", ["cohort-v1.zip", 'a "b"; c.zip', "gehirn ü\r\nx: y.zip", "脳.toml"])
def test_its_name_is_kept_whatever_is_in_it(name: str) -> None:
    download = offered(lambda: "words", name)
    answer = client.get(download.address)
    assert answer.text == "words"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert "x" not in answer.headers
    assert '"' not in answer.headers["content-disposition"]


def test_what_its_page_no_longer_holds_is_gone_and_so_is_what_never_was() -> None:
    download = offered(lambda: b"")
    address = download.address
    del download
    gc.collect()
    for one in (address, "/download/guessed"):
        answer = client.get(one)
        assert answer.status_code == 410
        assert "press the button again" in answer.text


def test_a_refusal_says_why_and_gives_nothing() -> None:
    def refuse() -> bytes:
        raise Refused("exports take the role <researcher>")

    download = offered(refuse)
    answer = client.get(download.address)
    assert answer.status_code == 403
    assert "the role &lt;researcher&gt;" in answer.text
    assert "content-disposition" not in answer.headers
