"""`spinecho serve`: the API and the pages, on one port."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from spinecho.db.errors import BackendMissing
from spinecho.encoders.sandbox.environment import command_environment
from spinecho.maintaining.upkeep import require_home
from spinecho.setup.settings import as_environment, read_settings
from spinecho.ui.opening import show_warning
from spinecho.ui.printing.options import LOOPBACK, Address, Device, Encoder, Home, Open, Theme, guarded


@guarded
def serve(
    home: Home = None,
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 8501,
    address: Address = LOOPBACK,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="A further name that the server goes by, such as a proxy's.")
    ] = None,
    allowed: Open = False,
    theme: Theme = "dark",
    workers: Annotated[
        int, typer.Option(help="Processes that answer the API, and as many that draw pages.", min=1, max=64)
    ] = 1,
    jobs: Annotated[
        int, typer.Option(help="Exports at once, and evaluations beside them, each a process.", min=0, max=64)
    ] = 1,
    pages: Annotated[bool, typer.Option("--pages/--no-pages", help="Also the pages, or the API alone.")] = True,
    encoder: Encoder = None,
    device: Device = None,
) -> None:
    """Answer programs and browsers on one port: the API under /api/v1, the pages everywhere else.

    Used alone, browsers come in by the first address, programs by a token (spinecho token create). Where people sign
    in (HOME/secrets.toml), programs show a token of theirs or of the provider (docs/api.md).
    """
    try:
        import fastapi  # noqa: F401, PLC0415  (slow to import)
        import prometheus_client  # noqa: F401, PLC0415
        import structlog  # noqa: F401, PLC0415
    except ImportError as error:
        raise BackendMissing(f"serving needs {error.name}: pip install '.[server]'") from error
    from spinecho.ui.server.serve import check_address, check_port  # noqa: PLC0415

    settings = read_settings(home=home, encoder=encoder, device=device)
    check_address(address, settings, allowed=allowed)
    require_home(settings, notify=show_warning)  # says what is wrong here rather than to a caller
    check_port(address, port)
    command = [
        sys.executable, "-P", "-m", "spinecho.ui.server.one", f"--address={address}", f"--port={port}",
        f"--theme={theme}", f"--workers={workers}", f"--jobs={jobs}", *(f"--host={name}" for name in host or ()),
        *(["--open"] if allowed else []), *([] if pages else ["--no-pages"]),
    ]  # fmt: skip
    os.execve(sys.executable, command, command_environment({**os.environ, **as_environment(settings)}))  # noqa: S606
