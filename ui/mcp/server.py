"""The server of tools over an open archive; who asks is the account that started it, unless a token says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer

from spinecho.ui.mcp.shapes import NOTICE
from spinecho.ui.mcp.tools import add_tools, at_once

if TYPE_CHECKING:
    from spinecho.archive import Archive

INSTRUCTIONS = (
    "Search an archive of MR studies and their reports. All tools only read, and each call is on record under the name "
    "of the person. Name the evidence (sentence, section, assertion, rank) of whatever you present. Where `found` is "
    f"not 'relevant', say that nothing relevant was found. Not a diagnostic device. {NOTICE}"
)


def server_of(
    archive: Archive | Callable[[], Archive],
    in_turn: Callable[[Callable[..., Any]], Callable[..., Any]] = at_once,
    **options: Any,
) -> MCPServer:
    """The tools over an archive as it was opened, or over what gives it before whoever asks now.

    in_turn: what makes a tool that searches wait for its turn.
    """
    server: MCPServer = MCPServer(
        "spinecho", title="Spinecho", instructions=INSTRUCTIONS, version=version("spinecho"), log_level="WARNING",
        subscriptions=False, **options,
    )  # fmt: skip
    add_tools(server, archive if callable(archive) else lambda: archive, in_turn)
    return server


def serve_stdio(archive: Archive) -> None:
    """Answer on standard input and output until the input ends."""
    server_of(archive).run("stdio")
