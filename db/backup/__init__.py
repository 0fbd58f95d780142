"""Backups of a home: a folder of packs and manifests, each backup whole, only what is new written."""
