"""A C-STORE receiver: an object is on the disk, under its name, before success is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynetdicom import AE, AllStoragePresentationContexts, evt

from spinecho.encoders.reading.dicom.scan import object_uids
from spinecho.indexer.sources.pacing import Pace
from spinecho.indexer.sources.source import SourceDown
from spinecho.indexer.sources.spool import Spool

ALL_SYNTAXES = [
    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
]  # fmt: skip
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
_MEGABYTE = 1 << 20


def keep_object(event: evt.Event, spool: Spool, most_bytes: int) -> int:
    """Write what a C-STORE request brings; the status to answer with."""
    request: Any = event.request
    sent = request.DataSet
    if sent is None or sent.getbuffer().nbytes > most_bytes:
        return OUT_OF_RESOURCES
    data = event.encoded_dataset()
    uids = object_uids(data)
    if uids is None or uids[2] != str(request.AffectedSOPInstanceUID):
        return CANNOT_UNDERSTAND
    try:
        spool.put(*uids, data)
    except OSError:  # a full disk: who sent it is to keep it and send it again
        return OUT_OF_RESOURCES
    return SUCCESS


def at_pace(pace: Pace) -> list[Any]:
    """Handlers that wait after each piece (PDU) that came: meanwhile nothing is read, and the sender waits too."""
    return [(evt.EVT_DATA_RECV, lambda event: pace.wait_for(len(event.data)))] if pace else []


class Receiver:
    """Listens from the moment it is made until it is closed; settings as docs/pacs.md lists them."""

    def __init__(self, settings: Mapping[str, Any], spool: Spool, pace: Pace | None = None) -> None:
        """pace: of the source that sends here what is pulled. Raises `SourceDown` where the port cannot be had."""
        most = int(settings.get("most_object_mb", 512)) * _MEGABYTE
        entity = AE(ae_title=str(settings["ae"]))
        entity.supported_contexts = AllStoragePresentationContexts
        for context in entity.supported_contexts:
            context.transfer_syntax = ALL_SYNTAXES  # type: ignore[assignment]
        entity.add_supported_context("1.2.840.10008.1.1")  # C-ECHO
        entity.require_called_aet = True
        entity.require_calling_aet = [str(one) for one in settings["from_ae"]]
        entity.maximum_pdu_size = int(settings.get("most_pdu", 131_072))
        entity.maximum_associations = int(settings.get("most_associations", 10))
        entity.acse_timeout = entity.dimse_timeout = float(settings.get("read_timeout", 60))
        entity.network_timeout = float(settings.get("read_timeout", 60)) + (pace.seconds_for(most) if pace else 0.0)
        self._spool = spool
        handlers: list[Any] = [
            (evt.EVT_C_STORE, keep_object, [spool, most]),
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            *(at_pace(pace) if pace else ()),
        ]
        address = (str(settings.get("address", "127.0.0.1")), int(settings["port"]))
        try:
            self._server: Any = entity.start_server(address, block=False, evt_handlers=handlers)
        except OSError as error:
            raise SourceDown(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from error

    @property
    def port(self) -> int:
        """On which it listens."""
        return int(self._server.socket.getsockname()[1]) if self._server.socket else 0

    def close(self) -> None:
        """Stop listening; what was acknowledged is on the disk."""
        self._server.shutdown()
