"""A PACS by the DICOM network: C-FIND for what there is, C-GET or C-MOVE (to a receiver of our own) for objects."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association

from spinecho.indexer.sources.pacing import Pace
from spinecho.indexer.sources.pacs.receiver import ALL_SYNTAXES, Receiver, at_pace, keep_object
from spinecho.indexer.sources.pacs.tls import tls_context
from spinecho.indexer.sources.source import Listed, ObjectRefused, SourceDown, Stopped
from spinecho.indexer.sources.spool import Spool, name_of

Verification = "1.2.840.10008.1.1"
Find, Move, Get = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
"""Of the study root."""
OBJECTS = (
    "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR
    "1.2.840.10008.5.1.4.1.1.4.3",  # Enhanced MR Color
    "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR
    "1.2.840.10008.5.1.4.1.1.7",  # Secondary Capture
    "1.2.840.10008.5.1.4.1.1.88.11",  # Basic Text SR
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
)
"""What C-GET asks for; other objects of a study stay where they are."""
_PLAIN = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"]
_PENDING = (0xFF00, 0xFF01)
_NO_DESTINATION, _SOME_FAILED, _UNABLE = 0xA801, 0xA702, 0xC
_MEGABYTE = 1 << 20


class Network:
    """A PACS by its AE title; settings as docs/pacs.md lists them."""

    def __init__(self, settings: Mapping[str, Any], position: Mapping[str, Any]) -> None:
        self.position = position
        self._settings = settings
        self._pace, self._tls = Pace(settings), tls_context(settings)
        self._most = int(settings.get("most_object_mb", 512)) * _MEGABYTE
        self._receiver: Receiver | None = None
        self._open: dict[str, Association] = {}

    def test(self) -> str:
        """C-ECHO."""
        status = self._associated(Verification, [(Verification, _PLAIN)]).send_c_echo()
        if not status or status.Status != 0:
            raise SourceDown("the PACS accepts the association and does not answer C-ECHO")
        return "C-ECHO is answered"

    def listed(self) -> Iterator[Listed]:
        """The studies of the filter, by windows of their dates where there is a first one."""
        for window in self._windows():
            asked = _identifier("STUDY", StudyInstanceUID="", StudyDate=window, NumberOfStudyRelatedInstances="",
                                NumberOfStudyRelatedSeries="")  # fmt: skip
            asked.ModalitiesInStudy = str(self._settings.get("modality", "MR"))
            for one in self._find(asked):
                if not (uid := str(one.get("StudyInstanceUID", ""))):
                    continue
                instances = str(one.get("NumberOfStudyRelatedInstances", None) or "")
                mark = f"{one.get('NumberOfStudyRelatedSeries', '')}/{instances}" if instances else ""
                yield Listed(uid, mark, int(instances) if instances.isdecimal() else None)

    def present(self) -> None:
        """Nothing is said of what is gone: the list is filtered, and may be cut by the server."""
        return

    def fetch(self, study: Listed, spool: Spool, stop: threading.Event) -> int:
        """Take each series of which the spool lacks an object that can be taken."""
        self._pace.stop = stop
        held = spool.objects(study.study_uid)
        count = 0
        for series in self._find(_identifier("SERIES", StudyInstanceUID=study.study_uid, SeriesInstanceUID="")):
            asked = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": str(series.SeriesInstanceUID)}
            found = self._find(_identifier("IMAGE", **asked, SOPInstanceUID="", SOPClassUID=""))
            get = self._settings.get("retrieve", "get") == "get"
            wanted = [one for one in found if not get or str(one.get("SOPClassUID", "") or OBJECTS[0]) in OBJECTS]
            count += len(wanted)
            if any(name_of(str(one.SOPInstanceUID)) not in held for one in wanted):
                if stop.is_set():
                    raise Stopped("the pull was stopped; the next goes on")
                with contextlib.suppress(ObjectRefused):  # the study is short of it, which the pull counts
                    (self._get if get else self._move)(_identifier("SERIES", **asked), spool)
        return count

    def close(self) -> None:
        """End the associations, and stop listening for what C-MOVE sends."""
        for association in self._open.values():
            if association.is_established:
                association.release()
        self._open.clear()
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None

    def _get(self, asked: Dataset, spool: Spool) -> None:
        roles = [build_role(uid, scp_role=True) for uid in OBJECTS]
        handlers = [(evt.EVT_C_STORE, keep_object, [spool, self._most])]
        contexts: list[tuple[Any, list[str]]] = [(one, _PLAIN) for one in (Get, *OBJECTS)]
        contexts += [(one, [syntax]) for one in OBJECTS[:5] for syntax in ALL_SYNTAXES if syntax not in _PLAIN]
        association = self._associated(Get, contexts, ext_neg=roles, evt_handlers=handlers)
        _to_the_end(association.send_c_get(asked, UID(Get)))

    def _move(self, asked: Dataset, spool: Spool) -> None:
        if self._receiver is None:
            own = {"ae": self._own, "port": self._settings["move_port"], "from_ae": [self._settings["ae"]]}
            self._receiver = Receiver({**self._settings, **own}, spool, self._pace)
        _to_the_end(self._associated(Move, [(Move, _PLAIN)]).send_c_move(asked, self._own, UID(Move)))

    def _find(self, asked: Dataset) -> list[Any]:
        return _to_the_end(self._associated(Find, [(Find, _PLAIN)]).send_c_find(asked, UID(Find)))

    @property
    def _own(self) -> str:
        return str(self._settings.get("own_ae", "SPINECHO"))

    def _windows(self) -> Iterator[str]:
        settings, today = self._settings, datetime.now(UTC).date()
        first = _day(str(settings.get("since", "")))
        if recent := int(settings.get("recent_days", 0)):
            first = max(first or date.min, today - timedelta(days=recent))
        if first is None:
            yield ""
            return
        days = timedelta(days=int(settings.get("window_days", 31)))
        while first <= today:
            yield f"{first:%Y%m%d}-{min(first + days, today + timedelta(days=1)):%Y%m%d}"
            first += days + timedelta(days=1)

    def _associated(self, purpose: Any, contexts: list[tuple[Any, list[str]]], **words: Any) -> Association:
        """An association for this purpose: the one that is open, else a new one. Raises `SourceDown`."""
        held = self._open.get(str(purpose))
        if held is not None and held.is_established:
            return held
        settings = self._settings
        entity = AE(ae_title=self._own)
        for one, syntaxes in contexts:
            entity.add_requested_context(one, syntaxes)
        wait = float(settings.get("read_timeout", 60))
        entity.acse_timeout = wait
        # An object is one message, whose last piece is waited for: at a pace it takes as long as its bytes do.
        entity.dimse_timeout = entity.network_timeout = wait + self._pace.seconds_for(self._most)
        entity.connection_timeout = float(settings.get("connect_timeout", 10))
        if self._tls is not None:
            words["tls_args"] = (self._tls, str(settings["host"]))
        words["evt_handlers"] = [*words.get("evt_handlers", ()), *at_pace(self._pace)]
        association = entity.associate(
            str(settings["host"]), int(settings["port"]), ae_title=str(settings["ae"]), **words
        )
        if not association.is_established:
            more = "" if self._tls is None else ", and whether ca_file is of the authority that signed its certificate"
            raise SourceDown(
                f"the PACS refuses the association, or cannot be reached: check host, port and AE titles{more}"
            )
        self._open[str(purpose)] = association
        return association


def _to_the_end(answers: Iterator[tuple[Dataset, Dataset | None]]) -> list[Any]:
    """What the pending answers bring. Raises `SourceDown` where the last one is neither success nor a warning."""
    found = []
    for status, identifier in answers:
        if not status:
            raise SourceDown("the PACS stopped answering midway; the next pull goes on")
        code = int(status.Status)
        if code in _PENDING:
            if identifier is not None:
                found.append(identifier)
        elif code == _NO_DESTINATION:
            raise SourceDown("the PACS does not know own_ae as a destination: enter it there, with host and move_port")
        elif code not in (0x0000, 0xB000):
            if code == _SOME_FAILED or code >> 12 == _UNABLE:
                raise ObjectRefused(f"the PACS answers with status 0x{code:04X}")
            raise SourceDown(f"the PACS answers with status 0x{code:04X}")
    return found


def _identifier(level: str, **values: str) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = level
    for name, value in values.items():
        setattr(asked, name, value)
    return asked


def _day(text: str) -> date | None:
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date() if text else None
