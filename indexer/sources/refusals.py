"""What is said of names in an archive that are never opened."""

from __future__ import annotations

from spinecho.db.values import Rejection
from spinecho.encoders.errors import Reason

_REASONS: dict[str, tuple[Reason, str]] = {
    "refused": (Reason.UNREADABLE, "this account may not read it"),
    "pipe": (Reason.NOT_A_FILE, "a named pipe"),
    "socket": (Reason.NOT_A_FILE, "a socket"),
    "device": (Reason.NOT_A_FILE, "a device"),
    "link within": (Reason.LINKED_FOLDER, "a link to a folder that is read at its own place"),
    "link out": (Reason.LINK_OUTSIDE, "a link that leads out of the archive"),
    "link back": (Reason.LINK_OUTSIDE, "a link to a folder that the archive itself lies in; it is never followed"),
    "link broken": (Reason.LINK_BROKEN, "a link to something that is not there"),
}


def stamp(odd: str) -> int:
    """The time that such a name is stored with: no file has it, and it changes with what the name stands for."""
    return -1 if odd == "refused" else -10 - list(_REASONS).index(odd)


def refusal(odd: str) -> Rejection:
    """Why a name is not read; `odd` as in `db.values.Stat`."""
    reason, message = _REASONS[odd]
    return Rejection(reason, reason.ignorable, message)
