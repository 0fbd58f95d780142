"""Where an archive keeps whom its pseudonyms stand for, and the key of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from spinecho.db.identities.key import IdentityKey, make_key, read_key
from spinecho.setup.private import private_files
from spinecho.setup.settings import Settings

if TYPE_CHECKING:
    from spinecho.db.identities.mapping import Identities
    from spinecho.db.schema.database import Database
    from spinecho.indexer.deidentifying.door import Door
    from spinecho.indexer.deidentifying.profile import Options


def identity_key(settings: Settings, *, create: bool = False) -> IdentityKey:
    """The archive's key; made where there is neither a key nor anything that was sealed with one, and `create` is true.

    Raises `KeyTrouble`.
    """
    path = settings.identities_key
    if create and not path.exists() and not path.is_symlink() and not settings.identities.exists():
        with private_files():
            return make_key(path)
    return read_key(path)


def open_identities(settings: Settings, key: IdentityKey, *, create: bool = False) -> Identities:
    """The database of identities. Raises as `Identities.open` does."""
    from spinecho.db.identities.mapping import Identities  # noqa: PLC0415  (cryptography is slow to import)

    with private_files():
        return Identities.open(settings.identities, key, create=create)


@contextmanager
def open_door(settings: Settings, options: Options | None, database: Database) -> Iterator[Door | None]:
    """What maps identifiers while an archive is indexed; None without options.

    The key is made where the archive is new, never anew for one that was de-identified. Raises `MixedArchive` for one
    that was indexed without, `KeyTrouble` and what opening raises.
    """
    if options is None:
        yield None
        return
    from spinecho.indexer.deidentifying.begun import require_begun_so  # noqa: PLC0415
    from spinecho.indexer.deidentifying.door import Door  # noqa: PLC0415
    from spinecho.indexer.deidentifying.keyed import Keyed  # noqa: PLC0415

    fresh = require_begun_so(database)
    key = identity_key(settings, create=fresh)
    with ExitStack() as opened:
        identities = opened.enter_context(open_identities(settings, key, create=fresh))
        yield opened.enter_context(Door(Keyed(key.pseudonyms), options, identities, key.fingerprint))
