"""Backups of a home, and putting one back into a new home; see docs/operations.md."""

from __future__ import annotations

from spinecho.maintaining.backups import Backup, Restored, backup, backups, make_key, restore, verify

__all__ = ["Backup", "Restored", "backup", "backups", "make_key", "restore", "verify"]
