"""Which server the setting names: `pgvector`, or Milvus as milvus://[user@]host[:port][/database][?tls=yes]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

_FORM = "give pgvector, or milvus://host:19530"


@dataclass(frozen=True, slots=True)
class MilvusPlace:
    """Where a Milvus is, and as whom it is asked."""

    host: str
    port: int = 19530
    database: str = ""
    user: str = ""
    password: str = ""
    tls: bool = False


Place: TypeAlias = Literal["pgvector"] | MilvusPlace


def read_place(given: str) -> Place:
    """What the setting says. Raises ValueError with what is wrong; the message repeats no password."""
    if given == "pgvector":
        return "pgvector"
    try:
        url = urlsplit(given)
        port = url.port or 19530
    except ValueError as error:
        raise ValueError(f"that is no address; {_FORM}") from error
    if url.scheme != "milvus" or not url.hostname:
        raise ValueError(f"that is no server of vectors; {_FORM}")
    options = dict(parse_qsl(url.query, keep_blank_values=True))
    if set(options) - {"tls"} or options.get("tls", "no") not in {"yes", "no"} or url.fragment:
        raise ValueError("an address of Milvus has no option but tls=yes")
    return MilvusPlace(
        url.hostname, port, database=url.path.strip("/"), user=unquote(url.username or ""),
        password=unquote(url.password or ""), tls=options.get("tls") == "yes",
    )  # fmt: skip
