"""DICOMweb: studies by QIDO-RS, objects by WADO-RS, as they are stored there, byte for byte."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import requests
from dicomweb_client.api import DICOMwebClient
from requests.adapters import HTTPAdapter

from spinecho.encoders.reading.dicom.scan import object_uids
from spinecho.indexer.sources.pacing import Pace
from spinecho.indexer.sources.pacs.tls import tls_context, tls_trouble
from spinecho.indexer.sources.source import Listed, ObjectRefused, SourceDown, SourceSettings, Stopped, secret
from spinecho.indexer.sources.spool import Spool, name_of

Answer = TypeVar("Answer")
PAGE = 200
_BROKEN = 500
_ATTEMPTS, _FIRST_WAIT, _LONGEST_WAIT = 4, 1.0, 30.0
_PIECE, _LARGE_PIECE = 1 << 16, 1_000_000
"""Bytes that are read at once: where they are paced, and where not."""
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class DicomWeb:
    """A DICOMweb server; settings as docs/pacs.md lists them."""

    def __init__(self, settings: Mapping[str, Any], position: Mapping[str, Any]) -> None:
        self.position = position
        self._settings = settings
        self._pace = Pace(settings)
        self._session = session_of(settings, pace=self._pace)
        self._client = self._client_of(self._session)
        self._stored = self._client_of(session_of(settings, _AsStored(), pace=self._pace))
        self._stop = threading.Event()

    def test(self) -> str:
        """Ask for one study."""
        found = self._ask(lambda: self._client.search_for_studies(limit=1, search_filters=self._filters()), attempts=1)
        return f"QIDO-RS answers, with {'studies' if found else 'no study'} for this filter"

    def listed(self) -> Iterator[Listed]:
        """Every study of the filter, a page at a time; its mark is how many series and instances the server counts."""
        seen: set[str] = set()
        offset = 0
        while True:
            page = self._ask(partial(
                self._client.search_for_studies, limit=PAGE, offset=offset, search_filters=self._filters(),
                fields=["NumberOfStudyRelatedInstances", "NumberOfStudyRelatedSeries"],
            ))  # fmt: skip
            fresh = [one for one in page if (uid := _text(one, "0020000D")) and uid not in seen]
            for one in fresh:
                uid, instances = _text(one, "0020000D"), _text(one, "00201208")
                seen.add(uid)
                mark = f"{_text(one, '00201206')}/{instances}" if instances else ""
                yield Listed(uid, mark, int(instances) if instances.isdecimal() else None)
            if not fresh:  # also from a server that does not know of offsets and gives the same page again
                return
            offset += len(page)

    def present(self) -> None:
        """Nothing is said of what is gone: the list is filtered, and may be cut by the server."""
        return

    def fetch(self, study: Listed, spool: Spool, stop: threading.Event) -> int:
        """Take the objects that the spool lacks, a series at a time where all of it is missing."""
        self._stop = self._pace.stop = stop
        wanted: dict[str, list[str]] = {}
        for one in self._instances(study.study_uid):
            wanted.setdefault(_text(one, "0020000E"), []).append(_text(one, "00080018"))
        held = spool.objects(study.study_uid)
        for series, sops in wanted.items():
            missing = [sop for sop in sops if name_of(sop) not in held]
            if len(missing) == len(sops):
                with contextlib.suppress(ObjectRefused):  # then one after the other, less those that it refuses
                    self._take(f"studies/{study.study_uid}/series/{series}", spool, stop)
                missing = [sop for sop in missing if not spool.holds(study.study_uid, series, sop)]
            for sop in missing:
                with contextlib.suppress(ObjectRefused):
                    self._take(f"studies/{study.study_uid}/series/{series}/instances/{sop}", spool, stop)
        return sum(map(len, wanted.values()))

    def fetch_series(self, study: Listed, series_uid: str, spool: Spool, stop: threading.Event) -> None:
        """Take every object of one series, whatever the spool holds of it. Raises `SourceDown`, `Stopped`."""
        self._stop = self._pace.stop = stop
        self._take(f"studies/{study.study_uid}/series/{series_uid}", spool, stop)

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def _client_of(self, session: requests.Session) -> DICOMwebClient:
        settings = self._settings
        waits = (float(settings.get("connect_timeout", 10)), float(settings.get("read_timeout", 60)))
        piece = _PIECE if self._pace else _LARGE_PIECE
        made = DICOMwebClient(
            str(settings["url"]), session=session, timeout=waits, permissive_uid=True, chunk_size=piece
        )
        made.set_http_retry_params(retry=False)  # `_ask` does so, and can be stopped while it waits
        return made

    def _instances(self, study_uid: str) -> list[Any]:
        found: dict[str, Any] = {}
        while True:
            page = self._ask(partial(
                self._client.search_for_instances, study_uid, limit=PAGE * 5, offset=len(found),
                fields=["SeriesInstanceUID", "SOPInstanceUID"],
            ))  # fmt: skip
            fresh = {_text(one, "00080018"): one for one in page}
            if not fresh.keys() - found.keys():
                return list(found.values())
            found |= fresh

    def _take(self, place: str, spool: Spool, stop: threading.Event) -> None:
        address = f"{self._stored.base_url}/{place}"

        def once() -> None:
            for part in self._stored.iter_bulkdata(address):
                if stop.is_set():
                    raise Stopped("the pull was stopped; the next goes on")
                if uids := object_uids(part):
                    spool.put(*uids, part)

        self._ask(once)

    def _filters(self) -> dict[str, str]:
        filters = {}
        if modality := self._settings.get("modality", "MR"):
            filters["ModalitiesInStudy"] = str(modality)
        first = str(self._settings.get("since", ""))
        if recent := int(self._settings.get("recent_days", 0)):
            first = max(first, f"{datetime.now(UTC) - timedelta(days=recent):%Y%m%d}")
        if first:
            filters["StudyDate"] = f"{first}-"
        return filters

    def _ask(self, question: Callable[[], Answer], *, attempts: int | None = None) -> Answer:
        """The answer, asked again a few times where the server fails. Raises `SourceDown`."""
        wait = _FIRST_WAIT
        for left in range((attempts or int(self._settings.get("attempts", _ATTEMPTS))) - 1, -1, -1):
            try:
                return question()
            except (requests.RequestException, ValueError, KeyError) as error:
                answer = error.response if isinstance(error, requests.HTTPError) else None
                status = None if answer is None else answer.status_code
                if status is not None and 400 <= status < 500 and status not in (408, 429):
                    kind = SourceDown if status in (401, 403) else ObjectRefused
                    raise kind(_words(error, status)) from None
                if not left:
                    kind = ObjectRefused if status == _BROKEN else SourceDown
                    raise kind(_words(error, status)) from None
            if self._stop.wait(wait):
                raise Stopped("the pull was stopped; the next goes on")
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError  # pragma: no cover


def _words(error: Exception, status: int | None) -> str:
    """What went wrong, without addresses: these hold UIDs."""
    if status in (401, 403):
        return f"the DICOMweb server refuses us (status {status}): check the token, and what it may do"
    if status is not None:
        return f"the DICOMweb server answers with status {status}"
    if trouble := tls_trouble(error):
        return f"the DICOMweb server does not answer: {trouble}"
    if isinstance(error, requests.Timeout):
        return "the DICOMweb server did not answer in time (connect_timeout, read_timeout)"
    if isinstance(error, requests.ConnectionError):
        return "the DICOMweb server cannot be reached: check the address, and the firewall"
    return f"the DICOMweb server's answer cannot be read ({type(error).__name__})"


class _AsStored(requests.Session):
    """Asks for objects in the transfer syntax that they are stored in."""

    def get(self, url: Any, **words: Any) -> requests.Response:  # type: ignore[override]
        """As that of `requests`."""
        words["headers"] = {**(words.get("headers") or {}), "Accept": _AS_STORED}
        return super().get(url, **words)


class _Paced(HTTPAdapter):
    """Reads what is answered at a pace."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def send(self, request: requests.PreparedRequest, *given: Any, **words: Any) -> requests.Response:
        """As that of `requests`."""
        response = super().send(request, *given, **words)
        read = response.raw.stream

        def stream(*given: Any, **words: Any) -> Iterator[bytes]:
            for piece in read(*given, **words):
                self._pace.took(len(piece))
                yield piece

        response.raw.stream = stream
        return response


def session_of(
    settings: Mapping[str, Any], session: requests.Session | None = None, *, pace: Pace | None = None
) -> requests.Session:
    """A session with the settings' token or password and CA; nothing is taken from the environment or .netrc."""
    made = session or requests.Session()
    made.trust_env = False
    if pace:
        made.mount("http://", _Paced(pace))
        made.mount("https://", _Paced(pace))
    if tls_context(settings) is not None:  # looked at now: later it would be no error of a server's
        made.verify = str(settings["ca_file"])
    if token := secret(settings, "token"):
        made.headers["Authorization"] = f"Bearer {token}"
    if user := settings.get("user"):
        made.auth = (str(user), secret(settings, "password"))
    if token and user:
        raise SourceSettings("give a token or a user with a password, not both")
    return made


def _text(one: Any, tag: str) -> str:
    """The first value of an element of DICOM JSON, '' where it is missing or is none."""
    element = one.get(tag) if isinstance(one, Mapping) else None
    values = element.get("Value") if isinstance(element, Mapping) else None
    return str(values[0]) if isinstance(values, list) and values and isinstance(values[0], str | int) else ""
