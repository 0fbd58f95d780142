"""A home read through in the background, round after round, with nothing mended; see docs/operations.md."""

from __future__ import annotations

from spinecho.maintaining.scrubbing import RATE, Scrubbed, give_way, scrub, scrub_again

__all__ = ["RATE", "Scrubbed", "give_way", "scrub", "scrub_again"]
