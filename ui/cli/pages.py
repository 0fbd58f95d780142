"""`spinecho ui`: the pages in a browser, served by a process that takes this one's place."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from spinecho.encoders.sandbox.environment import command_environment
from spinecho.maintaining.upkeep import require_home
from spinecho.setup.settings import as_environment, read_settings
from spinecho.ui.opening import show_warning
from spinecho.ui.printing.options import (
    LOOPBACK,
    Address,
    Device,
    Encoder,
    Home,
    Open,
    Theme,
    guarded,
)
from spinecho.ui.server.serve import check_address, check_port


@guarded
def ui(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    address: Address = LOOPBACK,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="A further name that the room goes by, such as a proxy's.")
    ] = None,
    allowed: Open = False,
    theme: Theme = "dark",
    encoder: Encoder = None,
    device: Device = None,
) -> None:
    """Open the reading room in a browser: search, studies, cohorts, archive, evaluation.

    Used alone it asks nobody to sign in; its first address holds a secret, which the browser then remembers. Where
    HOME/secrets.toml has a section `auth` for an OpenID Connect provider, people sign in, and HOME/roles.toml says who
    may do what (docs/reading-room.md).
    """
    settings = read_settings(home=home, encoder=encoder, device=device)
    check_address(address, settings, allowed=allowed)
    require_home(settings, notify=show_warning)  # says what is wrong here rather than in the browser
    check_port(address, port)
    command = [
        sys.executable,
        "-P",
        "-m",
        "spinecho.ui.server.serve",
        f"--address={address}",
        f"--port={port}",
        f"--theme={theme}",
    ]
    command += [f"--host={name}" for name in host or ()] + (["--open"] if allowed else [])
    os.execve(sys.executable, command, command_environment({**os.environ, **as_environment(settings)}))  # noqa: S606
