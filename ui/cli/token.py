"""`spinecho token`: what a program shows to speak for a person."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from spinecho.access.tokens import MOST_DAYS, SCOPES, token_facts
from spinecho.setup.settings import read_settings
from spinecho.ui.opening import open_archive
from spinecho.ui.printing.options import MOST, AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

token_app = typer.Typer(
    no_args_is_help=True,
    help="Personal tokens, by which programs ask the server for you: make, list, revoke (docs/api.md).",
)


@token_app.command("create")
@guarded
def create(
    label: Annotated[str, typer.Argument(help="By which you know it again, e.g. 'notebook'.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help=f"Of {', '.join(SCOPES)}; repeatable. [default: read]")
    ] = None,
    days: Annotated[int, typer.Option("--days", help="After so many days it ends.", min=1, max=MOST_DAYS)] = 90,
    role: Annotated[str | None, typer.Option("--role", help="The most that it may do. [default: your role]")] = None,
    person: Annotated[
        str | None, typer.Option("--for", help="Whose token it is, as roles.toml names them; for managers.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: nobody can read it again.

    It may do what its scopes say, and never more than its owner may at that moment.
    """
    settings = read_settings(home=home)
    archive = open_archive(settings)
    secret, kept = archive.make_token(label, scopes=scope or ("read",), days=days, role=role, person=person)
    if as_json:
        print_json({"token": secret, **token_facts(kept)})
        return
    err.print(f"token {kept.id} of {plain(kept.owner)}, until {kept.expires_at:%Y-%m-%d}; it is shown this once:")
    out.print(secret, highlight=False, soft_wrap=True)


@token_app.command("list")
@guarded
def listed(
    everybody: Annotated[bool, typer.Option("--all", help="Everybody's; for managers.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Your tokens, the newest first."""
    settings = read_settings(home=home)
    found = open_archive(settings).tokens(everybody=everybody)
    if as_json:
        print_json({"tokens": [token_facts(one) for one in found]})
        return
    if not found:
        out.print("no token yet; 'spinecho token create LABEL' makes one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "label", "of", "role", "scopes", "until", ""):
        table.add_column(column, overflow="fold")
    for one in found:
        cells = (str(one.id), one.label, one.owner, one.role, " ".join(one.scopes), f"{one.expires_at:%Y-%m-%d}")
        table.add_row(*map(plain, cells), one.state())
    out.print(table)


@token_app.command("revoke")
@guarded
def revoke(
    number: Annotated[int, typer.Argument(help="As 'spinecho token list' names it.", min=1, max=MOST)],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """End a token now. A manager may end anybody's."""
    settings = read_settings(home=home)
    gone = open_archive(settings).revoke_token(number)
    if as_json:
        print_json(token_facts(gone))
    else:
        out.print(f"token {gone.id} ({plain(gone.label)}) is revoked")
