"""Orthanc by its own REST API: every study once, then what its change feed says.

Deletions are not in that feed (Orthanc tells them to its plugins alone): they show in the list of all studies.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from spinecho.encoders.reading.away import noted_digest
from spinecho.indexer.sources.pacing import Pace
from spinecho.indexer.sources.pacs.tls import tls_context, tls_trouble
from spinecho.indexer.sources.source import Listed, ObjectRefused, SourceDown, Stopped, secret
from spinecho.indexer.sources.spool import Spool, name_of

_PAGE = 200
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0


class Orthanc:
    """An Orthanc server; settings as docs/pacs.md lists them."""

    def __init__(self, settings: Mapping[str, Any], position: Mapping[str, Any]) -> None:
        self.position: Mapping[str, Any] = position
        self._modality = str(settings.get("modality", "MR"))
        self._attempts = int(settings.get("attempts", 4))
        self._most = int(settings.get("most_object_mb", 2048)) << 20
        user, token = settings.get("user"), secret(settings, "token")
        self._pace = Pace(settings)
        checked = tls_context(settings) or True
        self._client = httpx.Client(
            base_url=str(settings["url"]).rstrip("/"),
            auth=(str(user), secret(settings, "password")) if user else None,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=checked,
            transport=_Paced(self._pace, httpx.HTTPTransport(verify=checked, trust_env=False)) if self._pace else None,
            timeout=httpx.Timeout(
                float(settings.get("read_timeout", 60)), connect=float(settings.get("connect_timeout", 10))
            ),
            trust_env=False,
        )
        self._stop = threading.Event()

    def test(self) -> str:
        """Ask who it is."""
        about = self._json("/system", attempts=1)
        return f"Orthanc {about.get('Version', '?')} answers"

    def listed(self) -> Iterator[Listed]:
        """Every study, the first time and where its database was replaced; else those that changed since."""
        with _legible():
            yield from self._listed()

    def _listed(self) -> Iterator[Listed]:
        last = int(self._json("/changes", {"last": ""}).get("Last", 0))
        since = int(self.position.get("since", -1))
        if since < 0 or last < since:
            yield from self._everything()
        else:
            yield from self._changes(since)
            return
        self.position = {"since": last}

    def present(self) -> frozenset[str]:
        """Every study, whatever its modality."""
        return frozenset(map(str, self._json("/studies")))

    def fetch(self, study: Listed, spool: Spool, stop: threading.Event) -> int:
        """Take each instance that the spool lacks, or has with other bytes."""
        self._stop = self._pace.stop = stop
        with _legible():
            return self._fetch(study, spool, stop)

    def _fetch(self, study: Listed, spool: Spool, stop: threading.Event) -> int:
        series = {one["ID"]: one["MainDicomTags"]["SeriesInstanceUID"] for one in self._series(study.remote_id)}
        instances = self._json(f"/studies/{study.remote_id}/instances")
        for one in instances:
            if stop.is_set():
                raise Stopped("the pull was stopped; the next goes on")
            sop, above = one["MainDicomTags"]["SOPInstanceUID"], series.get(one["ParentSeries"])
            if above is None or spool.holds(study.study_uid, above, sop, settled=False):
                continue
            settled = spool.folder / name_of(study.study_uid) / name_of(above) / f"{name_of(sop)}.dcm"
            if settled.is_file():
                theirs = self._get(f"/instances/{one['ID']}/attachments/dicom/md5").text.strip()
                own = hashlib.md5(settled.read_bytes(), usedforsecurity=False).hexdigest()
                if theirs in (own, noted_digest(settled, "md5")):
                    continue
            if int(one.get("FileSize", 0)) <= self._most:
                with contextlib.suppress(ObjectRefused):  # the study is short of it, which the pull counts
                    spool.put(study.study_uid, above, sop, self._get(f"/instances/{one['ID']}/file").content)
        return len(instances)

    def fetch_series(self, study: Listed, series_uid: str, spool: Spool, stop: threading.Event) -> None:
        """Take every object of one series, whatever the spool holds of it. Raises `SourceDown`, `Stopped`."""
        self._stop = self._pace.stop = stop
        with _legible():
            for series in self._series(study.remote_id):
                if series["MainDicomTags"]["SeriesInstanceUID"] == series_uid:
                    for one in self._json(f"/series/{series['ID']}/instances"):
                        sop = one["MainDicomTags"]["SOPInstanceUID"]
                        spool.put(study.study_uid, series_uid, sop, self._get(f"/instances/{one['ID']}/file").content)

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def _everything(self) -> Iterator[Listed]:
        start = 0
        while page := self._json("/studies", {"since": str(start), "limit": str(_PAGE)}):
            for remote in page:
                yield from self._study(str(remote))
            start += len(page)

    def _changes(self, since: int) -> Iterator[Listed]:
        while True:
            page = self._json("/changes", {"since": str(since), "limit": str(_PAGE)})
            changed = [
                str(change["ID"])
                for change in page.get("Changes", ())
                if change.get("ResourceType") == "Study" and change.get("ChangeType") in ("StableStudy", "NewStudy")
            ]
            for remote in dict.fromkeys(changed):
                yield from self._study(remote)
            since = int(page.get("Last", since))
            self.position = {"since": since}
            if page.get("Done", True):
                return

    def _study(self, remote: str) -> Iterator[Listed]:
        """The study as it is now; nothing where it went meanwhile, or is of another modality."""
        response = self._get(f"/studies/{remote}", missing=True)
        if response.status_code == httpx.codes.NOT_FOUND:
            return
        study = self._read(response)
        series = self._series(remote)
        if self._modality and not any(one["MainDicomTags"].get("Modality") == self._modality for one in series):
            return
        n = sum(len(one.get("Instances", ())) for one in series)
        uid = str(study["MainDicomTags"].get("StudyInstanceUID", ""))
        if uid:
            yield Listed(uid, f"{study.get('LastUpdate', '')}/{len(series)}/{n}", n, remote)

    def _series(self, remote: str) -> list[Any]:
        found: list[Any] = self._json(f"/studies/{remote}/series")
        return found

    def _json(self, path: str, params: Mapping[str, str] | None = None, *, attempts: int | None = None) -> Any:
        return self._read(self._get(path, params, attempts=attempts))

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise SourceDown("Orthanc's answer cannot be read: is that the address of its REST API?") from None

    def _get(
        self, path: str, params: Mapping[str, str] | None = None, *, missing: bool = False, attempts: int | None = None
    ) -> httpx.Response:
        """The answer, asked again a few times where the server fails; missing: 404 is one. Raises `SourceDown`."""
        wait = _FIRST_WAIT
        for left in range((attempts or self._attempts) - 1, -1, -1):
            try:
                response = self._client.get(path, params=params)
            except httpx.HTTPError as error:
                status = 0
                trouble = tls_trouble(error) or "check the address and the firewall"
                why = f"Orthanc does not answer ({type(error).__name__}): {trouble}"
            else:
                status = response.status_code
                if response.is_success or (missing and status == httpx.codes.NOT_FOUND):
                    return response
                why = f"Orthanc answers with status {status}"
            if (400 <= status < 500 and status not in (408, 429)) or not left:
                raise SourceDown(why) if status in (0, 401, 403, 503) else ObjectRefused(why)
            if self._stop.wait(wait):
                raise Stopped("the pull was stopped; the next goes on")
            wait = min(2 * wait, _LONGEST_WAIT)
        raise AssertionError  # pragma: no cover


class _Paced(httpx.BaseTransport):
    """Reads what is answered at a pace."""

    def __init__(self, pace: Pace, inner: httpx.BaseTransport) -> None:
        self._pace, self._inner = pace, inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As that of `httpx`."""
        response = self._inner.handle_request(request)
        response.stream = _PacedStream(self._pace, response.stream)
        return response

    def close(self) -> None:
        """Let go of connections."""
        self._inner.close()


class _PacedStream(httpx.SyncByteStream):
    def __init__(self, pace: Pace, inner: Any) -> None:
        self._pace, self._inner = pace, inner

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._pace.took(len(piece))
            yield piece

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def _legible() -> Iterator[None]:
    """Raise `SourceDown` where an answer is JSON of another shape than Orthanc's."""
    try:
        yield
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SourceDown("Orthanc's answer cannot be read: is that the address of its REST API?") from error
