"""Synthetic MRI studies with known truth: the demonstration archive, the tests' fixture, and training data."""

from indexer.phantom.archive import ArchiveSummary, write_archive
from indexer.phantom.atlas import PhantomDataMissing
from indexer.phantom.cases import plan_case, plan_cases
from indexer.phantom.model import Case, Lesion, SeriesPlan
from indexer.phantom.render import render_series

__all__ = [
    "ArchiveSummary",
    "Case",
    "Lesion",
    "PhantomDataMissing",
    "SeriesPlan",
    "plan_case",
    "plan_cases",
    "render_series",
    "write_archive",
]
