"""Synthetic MRI studies with known truth: the demonstration archive, the tests' fixture, and training data."""

from spinecho.indexer.phantom.atlas import PhantomDataMissing
from spinecho.indexer.phantom.cases import plan_case, plan_cases
from spinecho.indexer.phantom.demo_archive import ArchiveSummary, write_archive
from spinecho.indexer.phantom.model import Case, Lesion, SeriesPlan
from spinecho.indexer.phantom.render import render_series

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
