"""The server that a setting names."""

from __future__ import annotations

from spinecho.db.schema.database import Database
from spinecho.db.vectors.servers.place import MilvusPlace, Place
from spinecho.db.vectors.servers.protocol import VectorServer


def open_server(place: Place, database: Database) -> VectorServer:
    """The server, which is asked nothing yet. Raises `VectorServerUnfit`, and `BackendMissing` without pymilvus."""
    if isinstance(place, MilvusPlace):
        from spinecho.db.vectors.servers.milvus import MilvusServer  # noqa: PLC0415  (an extra)

        return MilvusServer(place)
    from spinecho.db.vectors.servers.pgvector import PgVectorServer  # noqa: PLC0415  (for those who ask it)

    return PgVectorServer(database)
