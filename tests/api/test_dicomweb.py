"""DICOMweb by dicomweb-client against a server on loopback: what it gives is what the files hold."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
import requests
import uvicorn
from archives import Home, copy_of, small_archive
from dicomweb_client import DICOMwebClient
from PIL import Image
from serving import UNBOUND, make_tokens, open_served, settings_of, sign_in

from benchmarks.browser import free_port
from spinecho.db.people.record import Record
from spinecho.errors import SettingsError
from spinecho.setup.settings import Settings
from spinecho.ui.server.api.app import create_api
from spinecho.ui.server.api.around.service import Door
from spinecho.ui.server.api.dicomweb.addresses import read_address
from spinecho.ui.server.api.dicomweb.origins import read_origins
from spinecho.ui.server.guard import Rules, proof_of

pytestmark = pytest.mark.filterwarnings("ignore")
OHIF = "https://ohif.hospital.example"


@dataclass
class Web:
    """A server, its archive's files by SOPInstanceUID, and tokens by role."""

    base: str
    settings: Settings
    tokens: dict[str, str]
    files: dict[str, Path]
    nifti_study: str

    def client(self, role: str = "researcher") -> DICOMwebClient:
        return DICOMwebClient(self.base, headers={"Authorization": f"Bearer {self.tokens[role]}"})

    def get(self, path: str, role: str = "researcher", **headers: str) -> requests.Response:
        known = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        return requests.get(f"{self.base}{path}", headers={**known, **headers}, timeout=60)

    def first(self) -> tuple[pydicom.Dataset, str]:
        """A file of the archive, and the path of its object."""
        held = pydicom.dcmread(next(iter(self.files.values())))
        return held, place_of(held)


def place_of(held: pydicom.Dataset) -> str:
    return f"/studies/{held.StudyInstanceUID}/series/{held.SeriesInstanceUID}/instances/{held.SOPInstanceUID}"


def uid(found: dict[str, Any], tag: str) -> Any:
    return found[tag]["Value"][0]


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("dicomweb")
    archive = small_archive(folder / "archive", studies=4, seed=11)
    blob = np.exp(-((np.indices((40, 40, 12)).T - (20, 20, 6)) ** 2) @ np.ones(3) / 200).T * 900
    noise = np.random.default_rng(3).normal(20, 5, blob.shape)
    nibabel.save(nibabel.Nifti1Image((blob + noise).astype(np.float32), np.diag([2, 2, 5, 1])), archive / "t1.nii.gz")
    home = Home(folder / "home")
    home.index(archive)
    sign_in(home.folder)
    tokens, port = make_tokens(home), free_port()
    with pytest.MonkeyPatch.context() as patch:
        # dicomweb-client leaves the port out of `Host`
        patch.setenv("SPINECHO_DICOMWEB_URL", f"http://127.0.0.1:{port}/dicomweb/")
        patch.setenv("SPINECHO_DICOMWEB_ORIGINS", f"{OHIF}, http://localhost:3000")
        app = create_api(settings_of(home), door=Door(), limits=UNBOUND, wait=True, jobs_at_once=0)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    files = {str(pydicom.dcmread(one, stop_before_pixels=True).SOPInstanceUID): one for one in archive.rglob("*.dcm")}
    nifti = home.query(
        "SELECT DISTINCT study_uid FROM files WHERE kind = 'nifti' AND state = 'indexed' AND study_uid NOT IN"
        " (SELECT study_uid FROM files WHERE kind = 'dicom' AND state = 'indexed')"
    )
    yield Web(f"http://127.0.0.1:{port}/dicomweb", settings_of(home), tokens, files, nifti[0][0])
    server.should_exit = True
    thread.join(30)


def test_everything_that_is_found_is_what_the_files_say(web: Web) -> None:
    client, seen = web.client(), set()
    for study in client.search_for_studies():
        study_uid = uid(study, "0020000D")
        several = client.search_for_series(study_uid)
        assert len(several) == uid(study, "00201206")
        for series in several:
            series_uid = uid(series, "0020000E")
            objects = client.search_for_instances(study_uid, series_uid)
            assert len(objects) == uid(series, "00201209")
            for one in objects:
                held = pydicom.dcmread(web.files[uid(one, "00080018")], stop_before_pixels=True)
                assert (held.StudyInstanceUID, held.SeriesInstanceUID) == (study_uid, series_uid)
                assert uid(one, "00200013") == held.InstanceNumber
                assert (uid(one, "00280010"), uid(one, "00280011")) == (held.Rows, held.Columns)
                assert uid(study, "00100020") == held.PatientID
                assert uid(study, "00080050") == held.AccessionNumber
                assert uid(study, "00080020") == held.StudyDate
                assert uid(series, "00200011") == held.SeriesNumber
                seen.add(uid(one, "00080018"))
    assert seen == set(web.files)


def test_headers_and_pixels_are_those_of_every_file(web: Web) -> None:
    client = web.client()
    for study in client.search_for_studies()[:2]:
        for found in client.retrieve_study_metadata(uid(study, "0020000D")):
            held = pydicom.dcmread(web.files[uid(found, "00080018")])
            told = pydicom.Dataset.from_json(found, bulk_data_uri_handler=lambda _: b"")
            for element in held:
                if element.keyword not in ("PixelData", "SpecificCharacterSet"):
                    assert told[element.tag] == element, element.keyword
            (frame,) = client.retrieve_instance_frames(*uids(held), [1])
            assert np.array_equal(np.frombuffer(frame, held.pixel_array.dtype).reshape(held.Rows, -1), held.pixel_array)
            assert client.retrieve_bulkdata(found["7FE00010"]["BulkDataURI"]) == [frame]


def uids(held: pydicom.Dataset) -> tuple[str, str, str]:
    return str(held.StudyInstanceUID), str(held.SeriesInstanceUID), str(held.SOPInstanceUID)


def test_files_come_as_they_are_stored(web: Web) -> None:
    client, (held, place) = web.client(), web.first()
    assert client.retrieve_instance(*uids(held)) == held
    answer = web.get(place)
    assert web.files[held.SOPInstanceUID].read_bytes() in answer.content
    assert f"transfer-syntax={held.file_meta.TransferSyntaxUID}" in answer.text[:400]
    series = client.retrieve_series(*uids(held)[:2])
    assert {str(one.SOPInstanceUID) for one in series} == {
        name for name, path in web.files.items() if path.parent == web.files[held.SOPInstanceUID].parent
    }
    assert held.SOPInstanceUID in {str(one.SOPInstanceUID) for one in client.retrieve_study(uids(held)[0])}


def test_pictures_are_of_the_frame(web: Web) -> None:
    client, (held, place) = web.client(), web.first()
    for media in ("image/png", "image/jpeg"):
        packed = client.retrieve_instance_rendered(*uids(held), media_types=(media,))
        assert Image.open(BytesIO(packed)).size == (held.Columns, held.Rows)
    assert client.retrieve_instance_frames_rendered(*uids(held), [1], media_types=("image/png",)).startswith(b"\x89PNG")
    values = held.pixel_array.astype(float) * float(held.get("RescaleSlope", 1)) + float(
        held.get("RescaleIntercept", 0)
    )
    centre, width = float(np.median(values)), float(np.ptp(values)) / 3 + 2
    packed = web.get(f"{place}/rendered?window={centre:.3f},{width:.3f},linear", Accept="image/png").content
    shown = np.asarray(Image.open(BytesIO(packed)), float)
    meant = np.clip((values - (round(centre, 3) - 0.5)) / (round(width, 3) - 1) + 0.5, 0, 1) * 255
    assert np.abs(shown - meant).max() <= 1
    small = Image.open(BytesIO(web.get(f"{place}/rendered?viewport=40,40", Accept="image/png").content))
    assert max(small.size) == 40
    assert web.get(f"{place}/rendered").headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("key", ["keyword", "tag"])
def test_studies_are_found_by_each_attribute(web: Web, key: str) -> None:
    client, (held, _) = web.client(), web.first()
    everything = client.search_for_studies()
    names = {"keyword": ("StudyInstanceUID", "PatientID", "AccessionNumber", "StudyDate", "StudyDescription"),
             "tag": ("0020000D", "00100020", "00080050", "00080020", "00081030")}[key]  # fmt: skip
    tags = ("0020000D", "00100020", "00080050", "00080020", "00081030")
    values = (held.StudyInstanceUID, held.PatientID, held.AccessionNumber, held.StudyDate, held.StudyDescription)
    for name, tag, value in zip(names, tags, map(str, values), strict=True):
        meant = [uid(one, "0020000D") for one in everything if one[tag].get("Value") == [value]]
        found = client.search_for_studies(search_filters={name: value})
        assert [uid(one, "0020000D") for one in found] == meant
        assert held.StudyInstanceUID in meant
        if name not in ("StudyInstanceUID", "0020000D", "StudyDate", "00080020"):
            wild = client.search_for_studies(search_filters={name: f"*{value[1:-1]}?"})
            assert held.StudyInstanceUID in {uid(one, "0020000D") for one in wild}
        assert not client.search_for_studies(search_filters={name: "1.2.3" if "0D" in name or "UID" in name
                                                             else "19010101"})  # fmt: skip


def test_dates_and_pages_part_the_archive(web: Web) -> None:
    client = web.client()
    everything = client.search_for_studies()
    dates = sorted(uid(one, "00080020") for one in everything)
    until = client.search_for_studies(search_filters={"StudyDate": f"-{dates[1]}"})
    since = client.search_for_studies(search_filters={"StudyDate": f"{dates[1]}-"})
    assert len(until) == sum(one <= dates[1] for one in dates)
    assert len(since) == sum(one >= dates[1] for one in dates)
    between = client.search_for_studies(search_filters={"StudyDate": f"{dates[0]}-{dates[-1]}"})
    assert between == everything
    pages = [client.search_for_studies(limit=1, offset=place) for place in range(len(everything))]
    assert [one for page in pages for one in page] == everything
    assert "there are more" in web.get("/studies?limit=1").headers["warning"]
    assert "warning" not in web.get(f"/studies?limit={len(everything)}").headers
    assert client.search_for_studies(search_filters={"ModalitiesInStudy": "MR"}) == everything
    assert not client.search_for_studies(search_filters={"ModalitiesInStudy": "CT"})


def test_a_percent_sign_and_an_underscore_are_themselves(web: Web) -> None:
    for text in ("%*", "_*", "*\\*"):
        assert web.get(f"/studies?AccessionNumber={requests.utils.quote(text)}").json() == []


def test_who_may_not_see_whose_it_is_is_not_told(web: Web) -> None:
    held, place = web.first()
    for path in ("/studies", f"/studies/{held.StudyInstanceUID}/metadata", f"{place}/metadata"):
        for role in ("viewer", "researcher"):
            answer = web.get(path, role)
            assert answer.status_code == 200, answer.text
            assert (str(held.PatientID) in answer.text) == (role == "researcher"), path
            assert "Value" not in answer.json()[0]["00100010"] or role == "researcher"
    told = web.get(f"{place}/metadata", "viewer").json()[0]
    assert not [tag for tag in told if int(tag[:4], 16) % 2]
    assert {"00280010", "00280011", "00280100", "00200032", "00200037", "00280030", "7FE00010"} <= set(told)
    assert web.get(f"/studies?PatientID={held.PatientID}", "viewer").status_code == 403
    for path in (place, place.partition("/instances")[0], f"/studies/{held.StudyInstanceUID}"):
        assert web.get(path, "viewer").status_code == 403
    assert web.get(f"{place}/frames/1", "viewer").status_code == 200
    assert web.get(f"{place}/bulkdata/7FE00010", "viewer").status_code == 200


@pytest.mark.parametrize(("path", "accept", "status"), [
    ("/studies/1.2.3", "", 404), ("/studies/1.2.3/metadata", "", 404), ("{place}9/metadata", "", 404),
    ("{place}/frames/2", "", 404), ("{place}/frames/1,9", "", 404), ("{place}/frames/0", "", 422),
    ("{place}/frames/x", "", 422), ("{place}/frames/2/rendered", "", 404), ("{place}/bulkdata/00100020", "", 404),
    ("{place}", "application/dicom+xml", 406), ("{place}/metadata", "application/dicom+xml", 406),
    ("{place}/metadata", "application/dicom+json;q=0", 406), ("{place}/frames/1", "video/mp4", 406),
    ("{place}/frames/1", "multipart/related; type=image/jls", 406), ("{place}/rendered", "image/gif", 406),
    ("{place}", 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.50', 406),
    ("{place}/rendered?window=1", "", 400), ("{place}/rendered?window=1,0", "", 400),
    ("{place}/rendered?viewport=0,1", "", 400), ("/studies?fuzzymatching=true", "", 400),
    ("/studies?PatientName=Doe", "", 400), ("/studies?StudyDate=2023", "", 400),
    ("/studies?StudyDate=20231399", "", 400), ("/studies?StudyDate=20230101-&StudyDate=-20220101", "", 400),
    ("/studies?PatientID=A&PatientID=B", "", 400), ("/studies?AccessionNumber=A&00080050=B", "", 400),
    ("/studies?StudyDescription=a*&StudyDescription=*b", "", 400), ("/series?SeriesNumber=1&SeriesNumber=2", "", 400),
    ("/studies?limit=1&limit=2", "", 422), ("/series?offset=1&offset=0", "", 422),
    ("/studies?StudyInstanceUID=*", "", 400), ("/studies?limit=0", "", 422), ("/studies?limit=x", "", 422),
    ("/instances", "", 400), ("/studies/x/series", "", 422), ("/nothing", "", 404),
])  # fmt: skip
def test_what_cannot_be_given_is_a_problem(web: Web, path: str, accept: str, status: int) -> None:
    held, place = web.first()
    answer = web.get(path.replace("{place}", place), **({"Accept": accept} if accept else {}))
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert "Doe" not in answer.text
    assert str(web.settings.home.parent) not in answer.text
    _ = held


def test_nobody_is_answered_without_a_token(web: Web) -> None:
    for path in ("/studies", "/series", web.first()[1]):
        assert web.get(path, "").status_code == 401
        assert web.get(path, "expired").status_code == 401


def test_a_study_of_other_files_says_so(web: Web) -> None:
    assert web.nifti_study not in web.get("/studies").text
    for path in ("", "/metadata"):
        answer = web.get(f"/studies/{web.nifti_study}{path}")
        assert answer.status_code == 404
        assert "NIfTI" in answer.json()["detail"]


def test_files_that_broke_are_told_of_and_left_out(web: Web) -> None:
    held, place = web.first()
    path = web.files[held.SOPInstanceUID]
    series = place.partition("/instances")[0]
    content, count = path.read_bytes(), len(web.get(f"{series}/metadata").json())
    begins = content.index(b"\xe0\x7f\x10\x00") + 40  # within the first frame, which is compressed
    shapes = {
        "cut": (content[:-100], 409), "gone": (None, 409), "noise": (b"\xff" * len(content), 422),
        "pixels": (content[:begins] + b"\xaa" * (len(content) - begins), 422),
    }  # fmt: skip
    try:
        for name, (broken, status) in shapes.items():
            path.unlink(missing_ok=True)
            if broken is not None:
                path.write_bytes(broken)
            for part in ("/frames/1", "/rendered") + (() if name == "pixels" else ("", "/metadata")):
                answer = web.get(f"{place}{part}")
                assert answer.status_code == status, (name, part, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                assert path.name not in answer.text
            if name != "pixels":
                answer = web.get(f"{series}/metadata")
                assert (answer.status_code, len(answer.json())) == (206, count - 1), name
                assert f"1 of {count}" in answer.headers["warning"]
                assert web.get(series).status_code == 206
    finally:
        path.write_bytes(content)
    assert web.get(place).status_code == 200


def test_another_file_in_the_place_is_not_given_out(web: Web) -> None:
    held, place = web.first()
    path = web.files[held.SOPInstanceUID]
    content = path.read_bytes()
    other = str(held.SOPInstanceUID)[:-1] + ("1" if str(held.SOPInstanceUID)[-1] != "1" else "2")
    try:
        path.write_bytes(content.replace(str(held.SOPInstanceUID).encode(), other.encode()))
        for part in ("", "/metadata", "/frames/1", "/rendered"):
            assert web.get(f"{place}{part}").status_code == 409, part
    finally:
        path.write_bytes(content)


def test_every_answer_is_on_record_before_it_is_given(web: Web) -> None:
    record, (held, place) = Record.open(web.settings.record), web.first()
    for path in ("/studies", "/series", f"/studies/{held.StudyInstanceUID}/instances", place, f"{place}/metadata",
                 f"{place}/frames/1", f"{place}/rendered", f"{place}/frames/1/rendered", "/studies/1.2.3"):  # fmt: skip
        before = record.head()[0]
        web.get(path)
        assert record.head()[0] > before, path
    assert not record.check().broken
    assert str(held.PatientID) not in json.dumps([repr(one) for one in record.entries(user=None, most=500)])


def test_a_viewer_of_a_named_origin_may_ask_and_no_other(web: Web) -> None:
    ask = {"Origin": OHIF, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    before = requests.options(f"{web.base}/studies", headers=ask, timeout=30)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == OHIF
    assert "authorization" in before.headers["access-control-allow-headers"]
    answer = web.get("/studies", Origin=OHIF, **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OHIF
    assert answer.headers["vary"] == "Origin"
    other = web.get("/studies", Origin="https://evil.example")
    assert "access-control-allow-origin" not in other.headers
    assert requests.options(
        f"{web.base}/studies", headers={**ask, "Origin": "https://evil.example"}, timeout=30
    ).status_code >= 400  # fmt: skip
    api = requests.get(web.base.replace("/dicomweb", "/api/v1/me"), headers={"Origin": OHIF}, timeout=30)
    assert "access-control-allow-origin" not in api.headers, "DICOMweb alone"


@pytest.mark.parametrize("accept", [
    "multipart/related; type=application/octet-stream; transfer-syntax=*",
    'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
    'multipart/related; type="image/jls"; transfer-syntax=1.2.840.10008.1.2.4.80, '
    'multipart/related; type="application/octet-stream"; transfer-syntax=*;q=0.5',
    "multipart/related", "*/*", "application/octet-stream", "application/*;q=0.2, image/jls",
])  # fmt: skip
def test_what_viewers_say_that_they_take_is_understood(web: Web, accept: str) -> None:
    held, place = web.first()
    answer = web.get(f"{place}/frames/1", Accept=accept)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/oct" if accept[:3] == "app" else "multipart/related")
    assert held.pixel_array.tobytes() in answer.content


@pytest.mark.parametrize("given", ["*", "ohif.example", "https://ohif.example/", "https://a b", "null", "file://x"])
def test_an_origin_that_is_none_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="SPINECHO_DICOMWEB_ORIGINS"):
        read_origins({"SPINECHO_DICOMWEB_ORIGINS": f"https://ohif.example,{given}"})


@pytest.mark.parametrize("given", ["spinecho.example/dicomweb", "https://spinecho.example", "https://a/dicomweb?x"])
def test_an_address_that_is_none_is_refused(given: str) -> None:
    assert read_address({"SPINECHO_DICOMWEB_URL": "https://spinecho.example:8443/dicomweb/"}).endswith("8443/dicomweb")
    with pytest.raises(SettingsError, match="SPINECHO_DICOMWEB_URL"):
        read_address({"SPINECHO_DICOMWEB_URL": given})


def test_the_guard_lets_a_named_origin_in_without_its_cookies(
    indexed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINECHO_DICOMWEB_ORIGINS", OHIF)
    rules, secret = Rules(frozenset({"testserver"}), 80, secret="s" * 40), "s" * 40
    home = copy_of(indexed, tmp_path / "home")
    page = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    cookie, bearer = {"Cookie": f"spinecho-80={proof_of(secret)}"}, {"Authorization": f"Bearer {secret}"}
    with open_served(home, Door(alone=True, secret=secret), rules=rules) as served:

        def status(path: str, *headers: dict[str, str]) -> int:
            return int(served.client.get(path, headers={k: v for some in headers for k, v in some.items()}).status_code)

        named, evil = {**page, "Origin": OHIF}, {**page, "Origin": "https://evil.example"}
        assert status("/dicomweb/studies", named, bearer) == 200
        assert status("/dicomweb/studies", named, cookie) == 401, "a page of another address has no say by a cookie"
        assert status("/dicomweb/studies", cookie) == 200
        assert status("/dicomweb/studies", evil, bearer) == 403
        assert status("/api/v1/me", named, bearer) == 403, "DICOMweb alone"
        assert status("/dicomweb/studies", named, bearer, {"Host": "evil.example"}) == 421
