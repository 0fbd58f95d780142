"""What can go wrong with what is stored. Every message names the value and the remedy."""

from __future__ import annotations

from spinecho.errors import QueryError, SpinechoError


class StoreError(SpinechoError):
    """Base of every error of what is stored."""


class StorageFailure(StoreError):
    """The disk is full or read-only, somebody holds the file, the server is gone: the data themselves are well."""

    exit_status = 3


class ServerLost(StorageFailure):
    """The connection to the server broke, or there is none: of what was under way nothing is kept."""


class Unsettled(StorageFailure):
    """The connection broke while a change was being kept, and nobody answers who knows whether it was."""


class Damaged(StoreError):
    """What is stored is not what was written."""

    exit_status = 4


class SchemaOutdated(StoreError):
    """The database was made by an older Spinecho and has to be upgraded first."""


class SchemaUnknown(StoreError):
    """The database is newer than this Spinecho, or is not one of ours."""


class Busy(StoreError):
    """Somebody else is at work there now: the same, asked again later, is done."""

    exit_status = 3


class BuildCorrupt(Damaged):
    """An index build or a snapshot is not what its manifest, or the database, says it is."""


class FilterError(QueryError):
    """A filter names a field or a value that does not exist."""


class BackendMissing(StoreError):
    """A library that the chosen index needs is not installed."""


class VectorServerError(StoreError):
    """A server of vectors cannot be asked; what is stored is well, and searches go on without it."""


class VectorServerDown(VectorServerError):
    """It does not answer."""

    exit_status = 3


class VectorServerUnfit(VectorServerError):
    """It is too old, lets us do too little, or holds something else than a copy of this archive."""


class PruneRefused(StoreError):
    """So much of an archive is gone from its disk that it may rather not be mounted; nothing was forgotten."""


class FilesChanged(StoreError):
    """The files of a series that is indexed have changed or gone."""


class RootMissing(StoreError):
    """A folder that is to be indexed is not there."""


class BackupDamaged(Damaged):
    """A backup is not what was written, or its key is another."""
