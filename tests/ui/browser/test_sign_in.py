"""Signing in by OpenID Connect, against a provider on loopback: roles, the record, an idle session."""

from __future__ import annotations

import http.client
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from archives import copy_of_home
from pages import DemoHome, acts
from waiting import eventually

from benchmarks.browser import Chrome, free_port, serve
from spinecho.encoders.sandbox.environment import module_path

pytestmark = pytest.mark.filterwarnings("ignore")  # the provider's own library is of an older kind
GRACE = {"email": "grace@hospital.example"}
IMPOSTORS: dict[str, dict[str, Any]] = {
    "missing": GRACE,
    "false": {**GRACE, "email_verified": False},
}
"""Accounts that give the manager's address, of which the provider does not say that it is theirs."""


@contextmanager
def provider() -> Iterator[str]:
    """Its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oidc = pytest.importorskip("oidc_provider_mock")
        users = [
            oidc.User(sub=sub, claims={"email": f"{sub}@hospital.example", "email_verified": True})
            for sub in ("ada", "grace", "eve")
        ]
        users += [oidc.User(sub=sub, claims=claims) for sub, claims in IMPOSTORS.items()]
        with oidc.run_server_in_thread(user_claims=users) as server:
            yield f"http://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def signed(demo_home: DemoHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address of a room where people sign in, its home)"""
    home = tmp_path_factory.mktemp("signed") / "home"
    copy_of_home(demo_home.home, home)
    port = free_port()
    with provider() as issuer:
        (home / "roles.toml").write_text(
            'default = "none"\nviewer = ["ada@hospital.example"]\nmanager = ["grace@hospital.example"]\n'
        )
        (home / "secrets.toml").write_text(
            f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\ncookie_secret = "{"x" * 40}"\n'
            f'client_id = "spinecho"\nclient_secret = "test"\n'
            f'server_metadata_url = "{issuer}/.well-known/openid-configuration"\n'
        )
        ahead = home.parent / "ahead"
        ahead.write_text("0")
        taken_in = os.pathsep.join((str(Path(__file__).parents[1] / "outside"), *module_path()))
        clock = {"PYTHONPATH": taken_in, "SPINECHO_TEST_AHEAD": str(ahead)}
        with serve(home, port=port, environment={"SPINECHO_IDLE_MINUTES": "60", **clock}) as address:
            yield address, home


def sign_in(chrome: Chrome, address: str, sub: str, page: Any = None) -> Any:
    page = page or chrome.new_context().new_page()
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.locator('input[name="sub"]').fill(sub)
    page.get_by_role("button", name="Authorize").click()
    return page


def test_a_person_signs_in_searches_and_is_on_record(signed: tuple[str, Path], chrome: Chrome) -> None:
    address, home = signed
    page = chrome.new_context().new_page()
    page.goto(address)
    page.get_by_role("button", name="Sign in").wait_for()
    eventually(page, lambda: not page.get_by_label("Search", exact=True).count())  # nothing is shown before
    page = sign_in(chrome, address, "ada")
    page.get_by_label("Search", exact=True).fill("lesion")
    page.keyboard.press("Enter")
    page.locator(".row").first.wait_for()
    page.get_by_text("ada@hospital.example (viewer)").wait_for()
    rows = acts(home, "search")
    assert [(act.user, act.role) for act in rows] == [("ada@hospital.example", "viewer")]
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session*")
    kinds = [act.action for act in acts(home)]
    assert (kinds[0], kinds[-1], kinds.count("sign-in")) == ("sign-out", "sign-in", 1)
    page.goto(address)
    page.get_by_role("button", name="Sign in").wait_for()


def test_an_idle_session_ends_while_its_page_stays_open(signed: tuple[str, Path], chrome: Chrome) -> None:
    """The clocks of the page and of the server are put forward: the page looks twice a minute."""
    page = chrome.new_context().new_page()
    page.clock.install()
    sign_in(chrome, signed[0], "grace", page)
    page.get_by_label("Search", exact=True).wait_for()
    page.get_by_text("grace@hospital.example (manager)").wait_for()
    ahead = signed[1].parent / "ahead"
    ahead.write_text("3700")
    try:
        page.clock.fast_forward(31_000)
        page.get_by_text("the session has ended").wait_for()
        page.reload()
        page.get_by_text("the session has ended").wait_for()
    finally:
        ahead.write_text("0")
    eventually(page, lambda: not page.get_by_label("Search", exact=True).count())
    assert [act.user for act in acts(signed[1], "sign-in-ended")] == ["grace@hospital.example"]


def test_who_has_no_role_stays_outside(signed: tuple[str, Path], chrome: Chrome) -> None:
    page = sign_in(chrome, signed[0], "eve")
    page.get_by_text("has no role here").wait_for()
    assert [(act.user, act.role) for act in acts(signed[1], "sign-in-refused")] == [("eve@hospital.example", "none")]
    eventually(page, lambda: not page.get_by_label("Search", exact=True).count())


def test_an_address_that_is_not_verified_opens_nothing(signed: tuple[str, Path], chrome: Chrome) -> None:
    for sub in IMPOSTORS:
        page = sign_in(chrome, signed[0], sub)
        page.get_by_text("does not say that your address is verified").wait_for()
        page.get_by_label("Search", exact=True).wait_for(state="detached")
        page.context.close()


def test_a_room_where_people_sign_in_is_known_by_the_providers_name_alone(signed: tuple[str, Path]) -> None:
    address, home = signed
    for host, status in ((address.removeprefix("http://"), 200), ("evil.example", 421)):
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
        connection.request("GET", "/", headers={"Host": host})
        assert connection.getresponse().status == status
        connection.close()
    assert not list(home.glob("room-*.address")), "where people sign in there is no secret"
