"""Where tools for assistants may listen."""

from __future__ import annotations

from spinecho.ui.server.serve import OpenToEverybody, check_port, is_loopback


def check_place(address: str, port: int, *, allowed: bool) -> None:
    """Raises `OpenToEverybody` for an address beyond loopback that is not `allowed`, `NoPort` where it is taken."""
    if not (allowed or is_loopback(address)):
        raise OpenToEverybody(
            f"at {address} other machines reach the tools, and tokens and reports go over the network in the clear: "
            "listen on 127.0.0.1 behind a proxy with TLS, use spinecho serve (the tools are at /mcp), or say --open"
        )
    check_port(address, port)
