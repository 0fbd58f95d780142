"""A cohort of an archive of another machine, in a form that waits and one of coroutines."""

from __future__ import annotations

from spinecho.remote.asked import cohort_calls
from spinecho.remote.asked.cohort_calls import CohortAfar
from spinecho.remote.methods import awaits_of, waits_of

__all__ = ["AsyncRemoteCohort", "RemoteCohort"]


class RemoteCohort(CohortAfar):
    """As `Cohort`; exports are jobs of the server."""

    count = waits_of(cohort_calls.count)
    freeze = waits_of(cohort_calls.freeze)
    versions = waits_of(cohort_calls.versions)
    version = waits_of(cohort_calls.version)
    diff = waits_of(cohort_calls.diff)
    rerun = waits_of(cohort_calls.rerun)
    export = waits_of(cohort_calls.export)
    write = waits_of(cohort_calls.write)
    codes = waits_of(cohort_calls.codes)
    delete = waits_of(cohort_calls.delete)


class AsyncRemoteCohort(CohortAfar):
    """The same, whose methods are coroutines."""

    count = awaits_of(cohort_calls.count)
    freeze = awaits_of(cohort_calls.freeze)
    versions = awaits_of(cohort_calls.versions)
    version = awaits_of(cohort_calls.version)
    diff = awaits_of(cohort_calls.diff)
    rerun = awaits_of(cohort_calls.rerun)
    export = awaits_of(cohort_calls.export)
    write = awaits_of(cohort_calls.write)
    codes = awaits_of(cohort_calls.codes)
    delete = awaits_of(cohort_calls.delete)
