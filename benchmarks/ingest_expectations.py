"""What is right for each case of `benchmarks/ingest_cases.py`, as a check on what Spinecho answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from spinecho.encoders.errors import Reason


class Answer:
    """What a case ended in: exit status, what was printed, and what is stored, by natural keys."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.exit: int = facts["exit"]
        self.printed: str = " ".join(facts["printed"].split())
        self.studies: list[dict[str, Any]] = facts["studies"]
        self.volumes: list[dict[str, Any]] = facts["volumes"]
        self.failures: list[dict[str, Any]] = facts["failures"]
        self.reports: list[dict[str, Any]] = facts["reports"]

    def summary(self) -> str:
        """One line for people."""
        reasons = ", ".join(f"{reason} {n}" for reason, n in Counter(self.reasons).items())
        reports = ", ".join(f"{match} {n}" for match, n in Counter(one["match"] for one in self.reports).items())
        flags = ", ".join(sorted({flag for volume in self.volumes for flag in volume["flags"]}))
        return f"exit {self.exit}; {len(self.studies)} studies, {len(self.volumes)} volumes" + "".join(
            f"; {part}" for part in (flags, reasons, reports and f"reports: {reports}") if part
        )

    @property
    def reasons(self) -> list[str]:
        return [one["reason"] for one in self.failures]

    @property
    def loud(self) -> list[str]:
        """Reasons that somebody is to look at."""
        return [one["reason"] for one in self.failures if not one["ignorable"]]

    @property
    def depths(self) -> list[int]:
        """Slices of each volume along its shortest side, in the order of series and key."""
        return [min(volume["shape"]) for volume in self.volumes]

    def flagged(self, *flags: str) -> bool:
        return any(set(flags) & set(volume["flags"]) for volume in self.volumes)

    def matched(self, n: int = 1) -> bool:
        return [one["match"] for one in self.reports].count("matched") == n

    def described(self, text: str) -> bool:
        return any(volume["description"] == text for volume in self.volumes)

    def facts_of(self, name: str) -> list[Any]:
        return [volume["acquisition"].get(name) for volume in self.volumes]


def _volumes(n: int, *, depth: int | None = None, clean: bool = True) -> Callable[[Answer], bool]:
    """So many volumes, each of `depth` slices; clean: nothing that anybody has to look at."""

    def check(answer: Answer) -> bool:
        deep = depth is None or answer.depths == [depth] * n
        return len(answer.volumes) == n and deep and (not clean or answer.exit == 0)

    return check


def _flagged(n: int, *flags: str) -> Callable[[Answer], bool]:
    return lambda answer: len(answer.volumes) == n and answer.flagged(*flags)


def _described(text: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.described(text)


def _unread(answer: Answer) -> bool:
    """Not read, and not passed over: exit status 1 with a reason that somebody has to look at."""
    return answer.exit == 1 and bool(answer.loud)


def _matched_or_listed(answer: Answer) -> bool:
    return answer.matched() or (answer.exit == 1 and bool(answer.loud or answer.reports))


def _no_scan_but(n: int, *reasons: str) -> Callable[[Answer], bool]:
    return lambda answer: len(answer.volumes) == n and set(reasons) <= set(answer.reasons)


def _whole_runs(answer: Answer) -> bool:
    folders = [{path.rsplit("/", 1)[0] for path in volume["files"]} for volume in answer.volumes]
    return (len(folders) == 2 and all(len(one) == 1 for one in folders)) or all(
        volume["flags"] for volume in answer.volumes
    )


def _remedy_names_an_option(answer: Answer) -> bool:
    return answer.exit == 1 and all("--" in Reason(reason).remedy for reason in answer.loud)


def _sections(answer: Answer) -> bool:
    return {"findings", "impression"} <= {passage[0] for one in answer.reports for passage in one["passages"]}


def _corrected(answer: Answer) -> bool:
    study = answer.studies[0]
    return (
        (study["accession_number"], study["sex"], str(study["date"])) == ("RIGHT002", "F", "2024-02-02")
        and study["age_years"] == 33
        and [one["match"] for one in answer.reports] == ["unmatched"]
    )


def _superseded(answer: Answer) -> bool:
    """What was withdrawn is found by nothing: no passage of it is left."""
    return not any(
        "acute infarct" in text.lower() and sort == "present"
        for one in answer.reports
        for _, text, sort in one["passages"]
    )


_ONE = _volumes(1)

CHECKS: Mapping[str, Callable[[Answer], bool]] = {
    "acquisition_spacing_rounding": _volumes(1, depth=8),
    "addendum": lambda a: a.matched(2) and len(a.reports) == 2,
    "all_nan": lambda a: a.reasons == ["EMPTY_VOLUME"],
    "assertion_inline_numbering": lambda a: len(a.reports[0]["passages"]) >= 3,
    "bids_sessions_derivatives": lambda a: (
        len({v["study"] for v in a.volumes if not v["derived"]}) == 2
        and all(v["derived"] for v in a.volumes if "derivatives" in v["files"][0])
        and {"LABEL_MAP"} <= set(a.reasons)
    ),
    "big_endian_explicit": _volumes(1, depth=4),
    "big_endian_nifti": _ONE,
    "big_ex_vivo_volume": lambda a: len(a.volumes) == 1 or _remedy_names_an_option(a),
    "bits_stored_wrong": _flagged(1, "PIXEL_RANGE"),
    "both_codes_zero": _flagged(1, "GEOMETRY_SUSPECT"),
    "carriage_return_in_description": lambda a: len(a.volumes) == 1 and "\r" not in a.volumes[0]["description"],
    "cda_xml": _unread,
    "charset_gb18030": _described("头部平扫 T2加权"),
    "charset_gbk_declared_latin": _flagged(1, "CHARSET_GUESSED"),
    "charset_hitachi_ir6_ir87": _described("Brain T1 説 axial"),
    "charset_ir58_escapes": _described("Zhang 张小东 T1"),
    "charset_iso_ir_192_misspelt": _described("Schädel nativ MRT Größe"),
    "charset_korean": _described("뇌 MRI T1 조영"),
    "charset_latin1_plus_cyrillic": _described("T1 мозг"),
    "charset_thai": _described("สมอง T1 axial plane"),
    "cine_one_slice": lambda a: a.exit == 0 and len(a.volumes) == 8,
    "comma_decimals": _ONE,
    "complex_nifti": lambda a: len(a.volumes) == 1 or not a.loud,
    "corrected_headers": _corrected,
    "corrected_version": lambda a: len(a.reports) == 2 and _superseded(a),
    "csv_accession_case_space": _matched_or_listed,
    "csv_accession_float": lambda a: bool(a.reports or a.loud),
    "csv_accession_lost_zeros": lambda a: len(a.reports) == 1,
    "csv_duplicate_header": lambda a: a.matched(),
    "csv_excel_sep_utf16_tab": lambda a: a.matched(),
    "csv_french_spanish_columns": lambda a: a.matched(2) or _unread(a),
    "csv_nul_and_ctrl_z": lambda a: a.matched() and a.exit == 0,
    "csv_odd_column_names": _matched_or_listed,
    "csv_semicolon_newlines": lambda a: a.matched() and "\n" in a.reports[0]["text"],
    "ct_and_pet_in_bids": lambda a: (
        {"NOT_MR"} <= set(a.reasons)
        and not any("pet" in f or "ct." in f.lower() for v in a.volumes for f in v["files"])
    ),
    "date_forms": lambda a: sorted(str(s["date"]) for s in a.studies) == ["2024-01-02", "None"],
    "dce_only_instance_numbers": _volumes(5, depth=8),
    "dce_two_slices_missing": lambda a: (
        len(a.volumes) == 5 and a.flagged("SLICES_MISSING") and sorted(a.depths) == [6, 8, 8, 8, 8]
    ),
    "deflated": _volumes(1, depth=4),
    "dicomanon_series_uid_per_file": lambda a: (
        a.depths == [8] or (len(a.volumes) == 8 and (all(v["flags"] for v in a.volumes) or "torn" in a.printed))
    ),
    "docx_rtf_pdf_doc": lambda a: _unread(a) and len(a.loud) >= 4,
    "dwi_ge_billion": lambda a: len(a.volumes) == 3,
    "dwi_ge_private_as_UN": lambda a: len(a.volumes) == 3,
    "dwi_siemens_private_b": lambda a: len(a.volumes) == 4,
    "dwi_toshiba_b_in_comments": lambda a: (
        len(a.volumes) == 2 and any("1000" in str(v["acquisition"]) + str(v["notes"]) + v["key"] for v in a.volumes)
    ),
    "echo_times_close_ute": _volumes(2),
    "empty_series_description": _ONE,
    "enhanced_mixed_complex": _volumes(2, depth=8),
    "enhanced_per_frame_rescale": _volumes(1, depth=8),
    "enhanced_random_frame_order": _volumes(1, depth=8),
    "enhanced_split_over_two_files": _volumes(1, depth=16),
    "enhanced_t1map_inversions": _volumes(4, depth=5),
    "float_parametric_map": lambda a: (
        len(a.volumes) == 1
        and a.volumes[0]["derived"]
        and a.volumes[0]["sequence"] == "ADC"
        and a.flagged("NON_FINITE")
    ),
    "fmri_times_straddle_seconds": _volumes(3, depth=8),
    "gz_dicom": lambda a: len(a.volumes) == 1 or _unread(a),
    "gz_named_nii": _ONE,
    "gz_truncated": lambda a: "TRUNCATED" in a.reasons and a.exit == 1,
    "gz_two_members": _ONE,
    "hl7_in_txt": lambda a: not any("PID|" in one["text"] for one in a.reports) and (a.matched() or _unread(a)),
    "hl7_in_txt_with_headings": lambda a: (
        not any("PID|" in one["text"] for one in a.reports) and (a.matched() or _unread(a))
    ),
    "hl7_oru": lambda a: a.matched() or _unread(a),
    "iop_jitter_many": _volumes(1, depth=12),
    "ivim_small_b": _volumes(5),
    "jpeg_xl": lambda a: (
        set(a.reasons) <= {"NEEDS_CODEC", "DECODE_FAILED"} and "another tool" in str(a.failures) and a.exit == 1
    ),
    "json_array_in_json": _matched_or_listed,
    "json_array_in_jsonl": _matched_or_listed,
    "jsonl_ok_and_nested": lambda a: a.matched(2) or (a.matched() and "BAD_REPORT" in a.reasons),
    "label_map_odd_names": lambda a: len(a.volumes) == 1 and a.reasons.count("LABEL_MAP") == 3,
    "localizer_three_planes": lambda a: (
        len(a.volumes) == 3
        and {v["sequence"] for v in a.volumes} == {"localizer"}
        and len({v["plane"] for v in a.volumes}) == 3
    ),
    "lumbar_disc_groups": lambda a: len(a.volumes) == 5 and {v["plane"] for v in a.volumes} == {"axial"},
    "macos_and_dotfiles": lambda a: len(a.volumes) == 1 and a.exit == 0,
    "magphase_only_comments": _volumes(2, depth=8),
    "mgz_nrrd_mha_parrec": lambda a: _unread(a) and len(a.loud) >= 4,
    "missing_iop": _flagged(1, "GEOMETRY_SUSPECT"),
    "missing_ipp": _flagged(1, "GEOMETRY_SUSPECT"),
    "missing_slices": _flagged(1, "SLICES_MISSING"),
    "monochrome1": _ONE,
    "mosaic_without_csa": lambda a: a.reasons == ["MOSAIC_UNRESOLVED"] * 2 and a.exit == 1,
    "moved_folder": lambda a: (
        a.exit == 0
        and "CONFLICT" not in a.reasons
        and len(a.volumes) == 1
        and all("renamed" in f for f in a.volumes[0]["files"])
    ),
    "mp2rage_one_series": _volumes(3, depth=8),
    "multiecho_shared_instance": _volumes(3, depth=8),
    "names_with_parts_of_words": lambda a: {v["sequence"] for v in a.volumes} == {"unknown"},
    "nan_voxels": _flagged(1, "NON_FINITE"),
    "newline_in_file_name": lambda a: len(a.volumes) == 1,
    "nifti2": _ONE,
    "nifti_2d": _volumes(2),
    "nifti_4d_bold": lambda a: len(a.volumes) == 8 and {v["sequence"] for v in a.volumes} == {"BOLD"},
    "nifti_5d_time_last": _volumes(3),
    "nifti_float64_large": lambda a: len(a.volumes) == 1 and bool(a.volumes[0]["derived"]),
    "nifti_pair_hdr_img": lambda a: len(a.volumes) == 1 or _unread(a),
    "nifti_units_metres": lambda a: [round(mm, 3) for mm in a.facts_of("spacing_mm")[0]] == [2, 2, 3],
    "no_age_but_birthdate": lambda a: a.studies[0]["age_years"] is not None and int(a.studies[0]["age_years"]) == 45,
    "no_extension_and_dicomdir": lambda a: len(a.volumes) == 1 and a.exit == 0,
    "non_utf8_names": lambda a: a.exit in (0, 1) and (len({v["series"] for v in a.volumes}) == 2 or bool(a.loud)),
    "other_objects_in_study": lambda a: len(a.volumes) == 1 and a.exit in (0, 1) and not set(a.loud) - {"NOT_READ"},
    "overlay_in_high_bits": lambda a: len(a.volumes) == 1,
    "pacs_copies": lambda a: len(a.volumes) == 1 and a.reasons == ["DUPLICATE"] * 2 and a.exit == 0,
    "palette_colour_perfusion_map": lambda a: not a.volumes and set(a.reasons) == {"COLOUR_IMAGE"},
    "parallel_disc_groups": lambda a: len(a.volumes) == 3 or a.flagged("SLICES_UNEVEN", "SLICES_MISSING"),
    "parquet": lambda a: a.matched() or _unread(a),
    "partial_rerun": lambda a: a.depths == [8] and a.flagged("SLICES_REPEATED"),
    "participants_tsv": lambda a: (a.studies[0]["sex"], a.studies[0]["age_years"]) == ("F", 34) or _unread(a),
    "pet_ct_nifti_as_mr": lambda a: "NOT_MR" in a.reasons,
    "philips_raw_mr_class": lambda a: "TRUNCATED" not in a.reasons and "NO_PIXELS" in a.reasons,
    "plain_named_gz": lambda a: len(a.volumes) == 1 or "NOT_GZIP" in a.reasons,
    "poison_series_number": lambda a: len(a.volumes) == 2 and a.exit == 0,
    "poison_sidecar_integer": lambda a: len(a.volumes) == 2 and a.exit == 0,
    "position_jitter": _volumes(1, depth=8),
    "prune_empty_mount": lambda a: len(a.volumes) >= 1,
    "radial_long_axis": lambda a: a.exit == 0 and a.depths == [1] * len(a.volumes),
    "readonly_home": lambda a: a.exit in (0, 1, 2, 3),
    "report_by_study_uid_name": lambda a: a.matched(),
    "report_keys_disagree": lambda a: not a.matched() and len(a.reports) == 1,
    "report_patient_disagrees": lambda a: not a.matched() and len(a.reports) == 1,
    "reused_uids_other_patient": lambda a: len(a.volumes) == 2 or (a.exit == 1 and "CONFLICT" in a.reasons),
    "rgb24_nifti": lambda a: a.reasons == ["COLOUR_IMAGE"],
    "rgb_fa_map": lambda a: a.reasons == ["COLOUR_IMAGE"] * 3,
    "sagittal_non_axial": lambda a: len(a.volumes) == 1 and a.volumes[0]["plane"] == "sagittal",
    "same_sop_other_header": lambda a: len(a.volumes) == 1 and "CONFLICT" in a.reasons,
    "scl_slope_nan": _ONE,
    "screenshot_grey": lambda a: all(v["derived"] for v in a.volumes) and a.flagged("GEOMETRY_SUSPECT"),
    "series_of_two_matrices": _volumes(2),
    "sform_qform_differ": lambda a: [round(mm, 3) for mm in a.facts_of("spacing_mm")[0]] == [2, 2, 3],
    "sform_zero_matrix": lambda a: len(a.volumes) == 1,
    "sidecar_inherited": lambda a: a.volumes[0]["vendor"] == "GE" or _unread(a),
    "sidecar_latin1": lambda a: (
        a.volumes[0]["vendor"].lower() == "siemens" or a.flagged("CHARSET_GUESSED") or "sidecar" in a.printed
    ),
    "slope_zero": _ONE,
    "sr_basic_text": lambda a: a.matched() or _unread(a),
    "symlinked_study_folder": lambda a: "link" in a.printed.lower() or "link" in str(a.failures).lower(),
    "truncated_slice": lambda a: "TRUNCATED" in a.reasons and a.flagged("SLICES_MISSING") and a.depths == [5],
    "two_roots_same_names": lambda a: len(a.studies) == 4 and "CONFLICT" not in a.reasons,
    "two_runs_same_instance_numbers": _whole_runs,
    "two_studies_one_accession": lambda a: [one["match"] for one in a.reports] == ["ambiguous"],
    "two_subjects_same_names": lambda a: len(a.volumes) == 4 and not a.loud,
    "txt_accession_in_line": lambda a: a.matched(),
    "txt_accession_two_lines": lambda a: a.matched(),
    "txt_cp1252": lambda a: a.matched() and not any("\ufffd" in one["text"] for one in a.reports),
    "txt_cr_only": lambda a: a.matched() and _sections(a),
    "txt_labels_other_languages": lambda a: a.matched() or len(a.reports) == 1,
    "txt_many_reports_one_file": lambda a: len(a.reports) == 3 or _unread(a),
    "txt_shift_jis": lambda a: (
        (a.matched() and any("\u3040" <= c <= "\u9fff" for c in a.reports[0]["text"]))
        or "guess" in (a.printed + str(a.failures)).lower()
    ),
    "txt_utf16_bom": lambda a: a.matched(),
    "txt_utf16_no_bom": lambda a: a.matched() or _unread(a),
    "txt_utf8_bom": lambda a: a.matched(),
    "uid_with_letters": lambda a: len(a.studies) == 1 or a.flagged("NO_STUDY_LINK", "UID_INVALID"),
    "uneven_gaps": _flagged(1, "SLICES_UNEVEN"),
    "very_long_series": lambda a: len(a.volumes) == 8,
    "video_mpeg4": lambda a: not a.loud,
    "xlsx": _unread,
    "zero_bytes": lambda a: (
        a.flagged("SLICES_MISSING") and a.exit == 1 and "empty" in str(a.failures).lower() and len(a.loud) >= 2
    ),
    "zip_export": lambda a: len(a.volumes) == 1 or _unread(a),
    **{
        f"headings_{name}": _sections
        for name in ("de", "en", "en_conclusion", "en_numbered", "en_opinion", "es", "es2", "fr", "nl", "pt")
    },
}

LEFT = frozenset(
    "headings_en_numbered assertion_inline_numbering headings_fr headings_es headings_es2 headings_pt headings_nl txt_labels_other_languages".split()
)
"""Cases whose whole answer belongs to later work; each is listed until then."""
