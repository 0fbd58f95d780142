"""What preparing and measuring a training give, whatever is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Metrics: TypeAlias = dict[str, Any]
Note: TypeAlias = Callable[[str], None]
"""Is given, in words, how far a preparation is."""
