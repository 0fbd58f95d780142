"""`spinecho mcp`: the archive as tools of an assistant."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from spinecho.db.errors import BackendMissing
from spinecho.setup.settings import read_settings
from spinecho.ui.mcp_address import check_place
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import LOOPBACK, Address, Device, Encoder, Home, guarded


@guarded
def mcp(
    transport: Annotated[
        Literal["stdio", "http"], typer.Option(help="stdio: the assistant starts this command. http: it asks a port.")
    ] = "stdio",
    port: Annotated[int, typer.Option(help="Port on this machine, for http.", min=1, max=65535)] = 8502,
    address: Address = LOOPBACK,
    host: Annotated[
        list[str] | None, typer.Option("--host", help="A further name that the server goes by, such as a proxy's.")
    ] = None,
    allowed: Annotated[
        bool, typer.Option("--open", help="Listen beyond this machine, with TLS by a proxy before it.")
    ] = False,
    home: Home = None,
    encoder: Encoder = None,
    device: Device = None,
) -> None:
    """Give an assistant tools that search and count, by the Model Context Protocol; they only read.

    By http every request needs a personal token (spinecho token create), on this machine too (docs/assistants.md).
    """
    try:
        import mcp.server  # noqa: F401, PLC0415  (slow to import)
    except ImportError as error:
        raise BackendMissing(f"tools for assistants need {error.name}: pip install '.[mcp]'") from error
    if transport == "http":
        check_place(address, port, allowed=allowed)
    settings = read_settings(home=home, encoder=encoder, device=device)
    with open_archive(settings) as archive:
        if transport == "stdio":
            from spinecho.ui.mcp.server import serve_stdio  # noqa: PLC0415

            serve_stdio(archive)
        else:
            from spinecho.ui.mcp.http import serve_http  # noqa: PLC0415

            serve_http(archive, settings, address=address, port=port, hosts=host or ())
