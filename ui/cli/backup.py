"""`spinecho backup` and `spinecho restore`: a home to a folder of backups, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinecho.maintaining.backups import Backup, backup, backups, make_key, restore, verify
from spinecho.setup.settings import read_settings
from spinecho.ui.printing.options import AsJson, Home, err, guarded, out, print_json
from spinecho.ui.printing.tables import plain

_KEY = Annotated[
    Path | None, typer.Option("--key-file", help="The key, from --make-key: without it no backup can be read.")
]
_PLAIN = Annotated[bool, typer.Option("--unencrypted", help="Without a key: whoever has the folder can read it.")]


@guarded
def backup_command(
    folder: Annotated[Path | None, typer.Argument(help="Folder of the backups; made where there is none.")] = None,
    home: Home = None,
    key_file: _KEY = None,
    unencrypted: _PLAIN = False,
    keep: Annotated[
        int | None,
        typer.Option("--keep", help="Forget all but so many of the newest that are whole.", min=1, max=100_000),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the backups that there are.")] = False,
    check: Annotated[
        bool, typer.Option("--verify", help="Read every byte of every backup, and mark what is damaged.")
    ] = False,
    new_key: Annotated[Path | None, typer.Option("--make-key", help="Write a new key to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Back up a home to a folder while it is in use: encrypted, and only what is new (docs/operations.md).

    Database, record and the files that people wrote, as they are at one moment; builds are made anew from these. Each
    backup can be put back by itself; an interrupted one leaves those before it as they are. Keep the key somewhere
    else: with it lost, so are the backups. Exit status: 0 done, 2 wrong usage, 3 the disk failed, 4 damaged.
    """
    if new_key is not None:
        made = make_key(new_key)
        print_json({"key": str(made)}) if as_json else out.print(plain(f"a new key is in {made}"), soft_wrap=True)
        return
    if folder is None:
        raise typer.BadParameter("name the folder of the backups")
    key = _one_of(key_file, unencrypted)
    say = (lambda _: None) if as_json else _say
    if check:
        names = verify(folder, key_file=key, on_stage=say)
        print_json({"whole": list(names)}) if as_json else out.print(f"{len(names):,} backups are whole")
    elif show:
        found = backups(folder, key_file=key)
        if as_json:
            print_json({"backups": [one.to_json() for one in found]})
        for one in () if as_json else found:
            _print(one)
    else:
        done = backup(read_settings(home=home), folder, key_file=key, keep=keep, on_stage=say)
        print_json(done.to_json()) if as_json else _print(done)


@guarded
def restore_command(
    folder: Annotated[Path, typer.Argument(help="Folder of the backups.")],
    home: Annotated[Path, typer.Option("--home", help="A home that is not there yet, or is empty.")],
    key_file: _KEY = None,
    unencrypted: _PLAIN = False,
    name: Annotated[str | None, typer.Option("--backup", help="Its name, from --list. [default: the newest]")] = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup into a new home, every byte, row and some answers checked.

    The home appears whole or not at all. To put it in the place of a damaged one, stop Spinecho, move that away, and
    restore to its name. Exit status: 0 done, 2 wrong usage, 3 the disk failed, 4 the backup is damaged.
    """
    done = restore(
        folder, home, key_file=_one_of(key_file, unencrypted), name=name, on_stage=(lambda _: None) if as_json else _say
    )
    if as_json:
        print_json({"home": str(done.home), "backup": done.backup.to_json(), "questions": done.questions})
        return
    summary = f"{done.home} is as it was at {done.backup.made_at}; {done.questions} questions were answered as then"
    out.print(plain(summary), highlight=False, soft_wrap=True)


def _one_of(key_file: Path | None, unencrypted: bool) -> Path | None:
    if (key_file is None) != unencrypted:
        raise typer.BadParameter("give --key-file FILE (--make-key FILE makes one), or --unencrypted")
    return key_file


def _line(one: Backup) -> str:
    return plain(f"{one.name}  {one.made_at}  {one.size / 1e6:,.1f} MB, {one.written / 1e6:,.1f} MB of it new")


def _print(one: Backup) -> None:
    out.print(_line(one), highlight=False, soft_wrap=True)
    for warning in one.warnings:
        out.print(f"[yellow]warning:[/] {plain(warning)}", highlight=False, soft_wrap=True)


def _say(stage: str) -> None:
    err.print(f"[dim]{plain(stage)}[/]", highlight=False)
