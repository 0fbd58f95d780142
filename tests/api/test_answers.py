"""What is answered is what the engine, the front door and the commands answer."""

from __future__ import annotations

import io
import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
from archives import Home
from PIL import Image
from serving import Served

import spinecho
from spinecho.db.people.record import Record


@pytest.fixture(scope="session")
def front(served: Served) -> spinecho.Archive:
    return spinecho.open(served.settings.home, device="cpu")


WORDS = ("acute infarct", "no mass", "enhancing lesion -oedema", "", "normal brain")


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("where", ["", "sequence=T1", "age>40 and not sex=M"])
def test_a_search_gives_the_hits_of_the_front_door(
    served: Served, front: spinecho.Archive, words: str, where: str
) -> None:
    if not (words or where):
        assert served.post("/search", {}).json()["type"].endswith(":empty-query")
        return
    hits = front.search(words, where=where, k=5)
    answer = served.post("/search", {"words": words, "where": where, "k": 5})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [one["study"]["uid"] for one in told["hits"]] == [one.study.uid for one in hits if one.study]
    for one, hit in zip(told["hits"], hits, strict=True):
        assert one["rank"] == hit.rank
        assert one["fits"] == hit.fits
        assert [s["text"] for s in one["sentences"]] == [s.text for s in hit.sentences]
        assert [s["uid"] for s in one["series"]] == [s.uid for s in hit.series]
        assert (one["key_image"] is None) == (hit.key_image is None)
    assert told["warnings"] == list(hits.warnings)
    assert json.dumps(told["plan"], sort_keys=True) == json.dumps(dict(hits.plan), sort_keys=True)


def test_nothing_tells_where_files_lie_or_whose_they_are(served: Served, archive: Path) -> None:
    answers = [served.post("/search", {"words": "lesion", "want": want}).text for want in ("study", "report")]
    answers += [served.get(path).text for path in (f"/studies/{served.study}/series", f"/series/{served.series}")]
    for text in answers:
        assert str(archive) not in text
        assert ".dcm" not in text


def test_pages_together_are_the_list(served: Served) -> None:
    asked = {"words": "brain", "k": 2}
    whole = [one["study_uid"] for one in served.post("/search", {"words": "brain", "k": 100}).json()["hits"]]
    found, cursor = [], None
    while True:
        page = served.post("/search", asked | ({"cursor": cursor} if cursor else {})).json()
        assert [one["rank"] for one in page["hits"]] == list(range(len(found) + 1, len(found) + 1 + len(page["hits"])))
        found += [one["study_uid"] for one in page["hits"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == whole
    assert len(set(found)) == len(found)


def test_similar_studies_spots_and_reports(served: Served, front: spinecho.Archive) -> None:
    hits = front.similar(study=served.study)
    told = served.post("/similar", {"study": served.study}).json()
    assert [one["study_uid"] for one in told["hits"]] == [one.study.uid for one in hits if one.study]
    box = "0.2,0.2,0.2,0.6,0.6,0.6"
    spot = served.post("/similar", {"study": served.study, "box": box}).json()
    assert [one["study_uid"] for one in spot["hits"]] == [
        one.study.uid for one in front.similar(study=served.study, box=box) if one.study
    ]
    reports = served.post("/similar", {"study": served.study, "reports": True}).json()
    assert all(one["report"] for one in reports["hits"])


def test_a_scan_that_is_sent_finds_what_its_path_finds(
    served: Served, front: spinecho.Archive, archive: Path, tmp_path: Path
) -> None:
    folder = next(iter(sorted((archive / "dicom").rglob("*.dcm")))).parent
    files = [("files", (path.name, path.read_bytes())) for path in sorted(folder.glob("*.dcm"))]
    told = served.client.post("/api/v1/similar/scan", files=files, data={"k": "3"})
    assert told.status_code == 200, told.text
    hits = front.similar(folder, k=3)
    assert [one["study_uid"] for one in told.json()["hits"]] == [one.study.uid for one in hits if one.study]
    for path, data in (("similar", {"k": "5000"}), ("search", {"question": '{"words": "lesion", "k": 5000}'})):
        every = served.client.post(f"/api/v1/{path}/scan", files=files, data=data)
        assert every.status_code == 200, every.text
        assert every.json()["next"] is None  # the scan is not kept: all of it is one page
    boxed = served.client.post("/api/v1/similar/scan", files=files, data={"box": "0.2,0.2,0.2,0.7,0.7,0.7"})
    assert boxed.status_code == 200, boxed.text
    worded = served.client.post("/api/v1/similar/scan", files=files, data={"words": "lesion"})
    assert worded.json()["plan"]["text"] == "lesion"


def test_a_study_with_all_that_is_stored_of_it(served: Served, front: spinecho.Archive) -> None:
    study = front.study(served.study)
    told = served.get(f"/studies/{served.study}").json()
    for name in ("uid", "accession_number", "description", "sex", "age_years"):
        assert told[name] == getattr(study, name)
    assert [one["uid"] for one in told["series"]] == [one.uid for one in study.series]
    assert [one["text"] for one in told["reports"]] == [one.text for one in study.reports]
    first = study.series[0]
    assert served.get(f"/series/{first.uid}/thumbnail").content == first.key_image


def test_voxels_by_ranges_by_nifti_and_by_slices(served: Served, front: spinecho.Archive) -> None:
    volume = next(one for one in front.study(served.study).series if one.uid == served.series).volume()
    about = served.get(f"/series/{served.series}/volume").json()
    assert about["shape"] == list(volume.voxels.shape)
    np.testing.assert_allclose(about["affine"], volume.affine)
    whole = served.get(f"/series/{served.series}/volume/data").content
    voxels = np.frombuffer(whole, "<f4").reshape(about["shape"])
    np.testing.assert_array_equal(voxels, volume.voxels)
    assert len(whole) == about["data"]["float32"]["bytes"]
    short = about["data"]["int16"]
    stored = np.frombuffer(served.client.get(short["url"]).content, "<i2").reshape(about["shape"])
    span = float(volume.voxels.max() - volume.voxels.min())
    np.testing.assert_allclose(short["intercept"] + short["slope"] * stored, volume.voxels, atol=span / 65000 + 1e-6)
    image = nibabel.Nifti1Image.from_bytes(served.get(f"/series/{served.series}/volume.nii").content)
    np.testing.assert_array_equal(np.asarray(image.dataobj), volume.voxels)
    np.testing.assert_allclose(image.affine, volume.affine, atol=1e-4)
    for plane, axis in (("sagittal", 0), ("coronal", 1), ("axial", 2)):
        number = volume.voxels.shape[axis] // 2
        picture = Image.open(io.BytesIO(served.get(f"/series/{served.series}/frames/{number}?plane={plane}").content))
        across = [size for place, size in enumerate(volume.voxels.shape) if place != axis]
        assert picture.size == (across[0], across[1])


@pytest.mark.parametrize(("given", "first", "last"), [
    ("bytes=0-0", 0, 0), ("bytes=4-11", 4, 11), ("bytes=-8", -8, -1), ("bytes=16-", 16, -1),
    ("bytes=0-999999999", 0, -1),
])  # fmt: skip
def test_a_range_is_that_part(served: Served, given: str, first: int, last: int) -> None:
    address = f"/series/{served.series}/volume/data?dtype=int16"
    whole = served.get(address).content
    part = served.get(address, headers={"Range": given})
    assert part.status_code == 206
    begin, end = first % len(whole), last % len(whole)
    assert part.content == whole[begin : end + 1]
    assert part.headers["content-range"] == f"bytes {begin}-{end}/{len(whole)}"


def test_counts_are_those_of_the_front_door(served: Served, front: spinecho.Archive) -> None:
    told = served.post("/facets", {"where": "sequence=T1"}).json()["facets"]
    for field, some in front.facets(where="sequence=T1").items():
        assert [(one["value"], one["shown"], one["total"]) for one in told[field]] == [
            (one.value, one.shown, one.total) for one in some[:20]
        ]


@pytest.mark.parametrize("path", ["/studies/{study}", "/series/{series}", "/series/{series}/thumbnail",
                                  "/series/{series}/volume/data"])  # fmt: skip
def test_what_is_held_already_is_not_sent_again_but_recorded(served: Served, path: str) -> None:
    address = path.format(study=served.study, series=served.series)
    tag = served.get(address).headers["etag"]
    record = Record.open(served.settings.record)
    before = record.head()[0]
    again = served.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert record.head()[0] > before
    assert served.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


def test_thumbs_are_kept_and_refine(served: Served, front: spinecho.Archive) -> None:
    words = "brain of thumbs"
    told = served.client.put("/api/v1/feedback", json={"words": words, "verdicts": {served.study: -1}})
    assert told.json() == {"verdicts": {served.study: -1}}
    assert front.verdicts(words) == {served.study: -1}
    refined = served.post("/search", {"words": words, "refine": True}).json()
    assert served.study not in [one["study_uid"] for one in refined["hits"]]
    served.client.put("/api/v1/feedback", json={"words": words, "verdicts": {served.study: 0}})
    assert served.post("/feedback/verdicts", {"words": words}).json() == {"verdicts": {}}


def test_a_cohort_from_count_to_its_end(served: Served) -> None:
    toml = 'name = "of the api"\n[[include]]\nfilter = "body_region=brain"\n'
    counted = served.post("/cohorts/count", {"toml": toml}).json()
    made = served.post("/cohorts", {"definition": {"name": "of the api", "include": [{"filter": "body_region=brain"}]}})
    assert made.status_code == 201, made.text
    assert made.json()["studies"] == counted["studies"]
    first = served.get("/cohorts/of the api/versions/1?k=1").json()
    assert len(first["members"]) == 1
    assert first["next"]
    second = served.get("/cohorts/of the api/versions/1", params={"k": 1, "cursor": first["next"]}).json()
    assert second["members"][0]["study_uid"] != first["members"][0]["study_uid"]
    assert served.get("/cohorts/of the api/versions/1/rerun").json()["added"] == []
    assert served.get("/cohorts/of the api/diff?first=1&second=1").json()["kept"] == counted["studies"]
    assert served.client.delete("/api/v1/cohorts/of the api/versions/1").status_code == 204
    assert served.get("/cohorts/of the api/versions/1").status_code == 404


def test_a_request_with_a_key_is_done_once(served: Served) -> None:
    body, key = {"toml": 'name = "once"\n[[include]]\nfilter = "body_region=brain"\n'}, {"Idempotency-Key": "k-1"}
    first, second = (served.post("/cohorts", body, headers=key) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert [one["version"] for one in served.get("/cohorts").json()["cohorts"] if one["name"] == "once"] == [1]
    other = served.post("/cohorts", {"toml": body["toml"] + "\n"}, headers=key)
    assert other.status_code == 409
    failed = served.post("/cohorts", {"toml": "name = 1"}, headers={"Idempotency-Key": "k-2"})
    assert failed.status_code == 422
    assert served.post("/cohorts", body, headers={"Idempotency-Key": "k-2"}).status_code == 201, (
        "a failure holds no key"
    )


def test_status_and_failures_are_those_of_the_commands(served: Served, front: spinecho.Archive, indexed: Home) -> None:
    status = served.get("/status").json()
    assert status["archive"] == front.status()["archive"]
    assert served.get("/runs/last").json()["counts"] == json.loads(json.dumps(front.status()["last_run"]["counts"]))
    assert [one["path"] for one in served.get("/failures?everything=true").json()["failures"]] == [
        one.path for one in front.failures(everything=True)
    ]


def test_health_tells_nothing_and_readiness_what_is_missing(served: Served) -> None:
    assert served.client.get("/healthz", headers={"Host": "any"}).json() == {"status": "ok"}
    assert served.client.get("/readyz").json() == {"index": "ready", "database": "ready", "record": "ready"}


def test_figures_and_lines_of_log_hold_no_words_and_no_uids(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    capfd.readouterr()
    served.post("/search", {"words": "haemangioblastoma of whoever", "where": "patient_id=DEMO00000001"})
    served.get(f"/studies/{served.study}", headers={"X-Request-ID": "mine-1"})
    served.get("/studies/1.2.3.4")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    told = json.dumps(lines) + served.client.get("/metrics").text
    for secret in ("haemangioblastoma", "whoever", "DEMO00000001", served.study, "1.2.3.4"):
        assert secret not in told
    assert [one["route"] for one in lines] == ["/api/v1/search", *2 * ["/api/v1/studies/{uid}"]]
    assert lines[1]["request_id"] == "mine-1"
    assert lines[0]["stages_ms"]
    assert 'spinecho_requests_total{method="POST",route="/api/v1/search",status="200"}' in told
    assert "spinecho_stage_seconds_bucket" in told
    assert 'spinecho_errors_total{reason="Unknown"}' in told
