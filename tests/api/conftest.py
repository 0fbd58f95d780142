"""One server over one small archive; a second where people sign in, with a token for each role and state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from archives import Home, copy_of
from serving import Served, Signed, make_tokens, open_served, sign_in

from spinecho.ui.server.api.around.service import Door


@pytest.fixture(scope="session")
def served(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Used alone, without a secret: every caller is the account's own."""
    home = copy_of(indexed, tmp_path_factory.mktemp("served") / "home")
    with open_served(home, Door(alone=True)) as found:
        yield found


@pytest.fixture(scope="session")
def signed(indexed: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    home = copy_of(indexed, tmp_path_factory.mktemp("signed") / "home")
    sign_in(home.folder)
    tokens = make_tokens(home)
    with open_served(home, Door()) as found:
        yield Signed(found.client, found.settings, found.study, found.series, tokens)
