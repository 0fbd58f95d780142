"""`spinecho token`: what a program shows to speak for a person."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from spinecho.db.people.tokens import MOST_DAYS, SCOPES, Token, make_token, revoke_token, tokens
from spinecho.people import open_access
from spinecho.search.access.desk import Role
from spinecho.settings import read_settings
from spinecho.ui.opening import open_database
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
    database, me = open_database(settings), open_access(settings)
    chosen = _role(role, me.person.role)
    if person is not None and person != me.person.name:
        me.require(Role.MANAGER, "make a token for somebody else")
    owner = person or me.person.name
    me.allow(Role.VIEWER, "make a token", "token-create", days=days, scopes=",".join(scope or ["read"]), of_role=chosen)
    secret, kept = make_token(
        database, owner=owner, role=chosen, label=label, scopes=scope or ("read",), days=days
    )  # fmt: skip
    if as_json:
        print_json({"token": secret, **token_facts(kept)})
        return
    err.print(f"token {kept.id} of {plain(owner)}, until {kept.expires_at:%Y-%m-%d}; it is shown this once:")
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
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.MANAGER if everybody else Role.VIEWER, "see tokens", "token-list", everybody=everybody)
    found = tokens(database, None if everybody else me.person.name)
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
    database, me = open_database(settings), open_access(settings)
    me.allow(Role.VIEWER, "revoke a token", "token-revoke", number=number)
    gone = revoke_token(database, number, None if me.may(Role.MANAGER) else me.person.name)
    if as_json:
        print_json(token_facts(gone))
    else:
        out.print(f"token {gone.id} ({plain(gone.label)}) is revoked")


def token_facts(one: Token) -> dict[str, Any]:
    """A token as JSON values."""
    return {
        "id": one.id,
        "label": one.label,
        "owner": one.owner,
        "role": one.role,
        "scopes": list(one.scopes),
        "created_at": one.created_at.isoformat() + "Z",
        "expires_at": one.expires_at.isoformat() + "Z",
        "revoked_at": one.revoked_at and one.revoked_at.isoformat() + "Z",
        "state": one.state(),
    }


def _role(given: str | None, mine: Role) -> str:
    """The role asked for, never above one's own."""
    if given is None:
        return str(mine)
    if given not in set(Role):
        raise typer.BadParameter(f"{given!r} is none of: {', '.join(Role)}", param_hint="--role")
    order = list(Role)
    if order.index(Role(given)) > order.index(mine):
        raise typer.BadParameter(f"{given!r} is more than your own role, {mine}", param_hint="--role")
    return given
