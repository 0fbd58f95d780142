"""Where tools for assistants may listen."""

from __future__ import annotations

from spinecho.ui.server.serve import OpenToEverybody, is_loopback


def check_loopback(address: str) -> None:
    """Raises `OpenToEverybody` for an address beyond loopback."""
    if not is_loopback(address):
        raise OpenToEverybody(
            f"at {address} other machines reach the tools, and tokens and reports go over the network in the clear: "
            "listen on 127.0.0.1 behind a proxy with TLS, use spinecho serve (the tools are at /mcp), or say --open"
        )
