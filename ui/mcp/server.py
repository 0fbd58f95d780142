"""The server of tools over an open archive; who asks is the account that started it, unless a token says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from spinecho.ui.mcp.shapes import NOTICE
from spinecho.ui.mcp.tools import add_resource, at_once, tools_of

if TYPE_CHECKING:
    from spinecho.archive import Archive

INSTRUCTIONS = (
    "Search an archive of MR studies and their reports. All tools only read, and each call is on record under the name "
    "of the person. Name the evidence (sentence, section, assertion, rank) of whatever you present. Where `found` is "
    f"not 'relevant', say that nothing relevant was found. Not a diagnostic device. {NOTICE}"
)


class _Server(MCPServer):
    """What is wrong with arguments is said by what helps, and never by repeating them."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            known = next(one.input_schema for one in await self.list_tools() if one.name == name)
            raise ToolError(f"{name}: {_wrong(error.__cause__, known)}") from None


def _wrong(error: ValidationError, schema: dict[str, Any]) -> str:
    """Each argument that is wrong, and why; those that there are, where one is not among them."""
    said = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        at = ".".join(map(str, one["loc"]))[:80]
        if one["type"] == "extra_forbidden":
            said.append(f"there is no argument {at!r}; there are {', '.join(schema['properties'])}")
        else:
            said.append(f"{at}: {one['msg']}")
    return "; ".join(said)


def server_of(
    archive: Archive | Callable[[], Archive],
    in_turn: Callable[[Callable[..., Any]], Callable[..., Any]] = at_once,
    **options: Any,
) -> MCPServer:
    """The tools over an archive as it was opened, or over what gives it before whoever asks now.

    in_turn: what makes a tool that searches wait for its turn.
    """
    archive_now = archive if callable(archive) else lambda: archive
    server = _Server(
        "spinecho", title="Spinecho", instructions=INSTRUCTIONS, version=version("spinecho"), log_level="WARNING",
        subscriptions=False, tools=tools_of(archive_now, in_turn), **options,
    )  # fmt: skip
    add_resource(server, archive_now)
    return server


def serve_stdio(archive: Archive) -> None:
    """Answer on standard input and output until the input ends."""
    server_of(archive).run("stdio")
