"""Every error that is meant for a person, as one tree. Its message names the value at fault and what helps.

    SpinechoError                     whatever Spinecho says is wrong; exit_status: what a command ends with
    ├── QueryError                    what was asked cannot be answered as it was asked
    │   ├── EmptyQuery                no word to search for                             encoders.text.query
    │   ├── SizeError                 a size that cannot be read                        encoders.text.sizes
    │   ├── TooLong                   a text that is no report any more                 search.asking.long_text
    │   ├── FilterError               a field or a value that does not exist            db.errors
    │   │   └── FilterSyntaxError     a filter that cannot be read; position, expected  db.filter_text
    │   ├── BoxError                  a box outside of the volume, empty or inverted    search.query
    │   ├── NoScan                    a path at which there is no scan to search with
    │   ├── ArchiveChanged            the next page of an answer of another moment
    │   └── EvaluationError           a measurement that cannot be made                 search.evaluation.figures
    │       ├── EmptyPool
    │       ├── JudgementError
    │       └── LayoutError           a folder that is no such public data set          search.evaluation.public
    ├── SettingsError                 a setting of the environment or of a file that cannot be meant
    │   └── RolesError                roles.toml or secrets.toml                        spinecho.access.roles
    ├── ArchiveClosed                 an archive was used after it was closed
    ├── StoreError                    what is stored, or has to be stored               db.errors
    │   ├── StorageFailure            disk, rights, server; the data are well
    │   ├── Damaged                   what is stored is not what was written
    │   │   └── BuildCorrupt, BackupDamaged
    │   ├── SchemaOutdated, SchemaUnknown, Busy, BackendMissing, PruneRefused, RootMissing
    │   ├── VectorServerError         Milvus or pgvector; searches go on without it
    │   │   └── VectorServerDown, VectorServerUnfit
    │   ├── RootUnreadable            a folder to index that refuses us                 indexer.sources.folder
    │   ├── FilesChanged              the files of a series have changed or gone
    │   ├── CohortError               a cohort that cannot be                           db.cohorts
    │   ├── NoSuchSearch              a saved search                                    db.saved
    │   ├── Unstorable                a value that fits into no row                     db.clean
    │   ├── RecordError               the record of who did what                        db.record_place
    │   │   └── RecordUnwritable
    │   └── Refused                   a person's role does not allow it                 search.access.people
    ├── ClusterError              a Ray cluster that does not answer                    indexer.executing.errors
    ├── ClusterUnfit              one whose processes could not do what this one would
    └── EncoderError                  files, encoders and what they are trained with    encoders.errors
        ├── ReadError                 a file that gives no volume; reason: a `Reason`
        │   ├── NotAReport            indexer.reports.values
        │   └── ReportUnreadable
        ├── SpaceMismatch             vectors of two spaces were about to meet
        ├── EncoderUnavailable        weights or libraries that are not at hand
        ├── CheckpointError           weights that cannot be read                       encoders.checkpoint
        ├── EmptyReport               a report without a word, when training            encoders.training.objectives.mlm
        ├── HeadError                 encoders.heads.values
        ├── FusionError               weights of channels                               search.fusion
        ├── ReadersBusy               every reading process is at work                  spinecho.setup.readers
        └── ConfigError, ShardError, TrainError (NotANumber, StateError)                encoders.training

This module imports nothing, so that every other may import it.
"""

from __future__ import annotations

from typing import ClassVar


class SpinechoError(Exception):
    """Base of every error that is meant for a person."""

    exit_status: ClassVar[int] = 2
    """What a command ends with: 2 for what the person asked, 3 for the machine's failures, 4 for damaged data."""


class QueryError(SpinechoError):
    """What was asked cannot be answered: an unknown study, nothing that is wanted, a filter that says nothing."""


class NoScan(QueryError):
    """There is no scan to search with at the path that was given."""


class ArchiveChanged(QueryError):
    """A page was answered from another moment than the one before it: hits might come twice, or never."""


class SettingsError(SpinechoError):
    """A setting, of the environment or of a file, that cannot be meant as it is written."""


class ArchiveClosed(SpinechoError):
    """An archive was used after `close`; open it again."""
