"""DICOM objects: MR Image Storage, one slice a file, or Enhanced MR Image Storage, one series (PS3.3 A.4, A.36)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from openjpeg.utils import encode_array as openjpeg_encode
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
)
from rle.utils import encode_pixel_data as rle_encode

from spinecho.indexer.phantom.model import Case, SeriesPlan
from spinecho.indexer.phantom.protocols import uid

IMPLEMENTATION_UID = UID(uid("implementation"))


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One rendered volume of a series: voxels (columns, rows, slices), affine to RAS mm."""

    plan: SeriesPlan
    voxels: NDArray[np.float32]
    affine: NDArray[np.float64]

    @property
    def stored(self) -> NDArray[np.uint16]:
        """(slices, rows, columns) as they are stored: 12 bits."""
        return np.ascontiguousarray(np.rint(self.voxels.clip(0, 4095)).astype(np.uint16).T)

    @property
    def orientation(self) -> list[float]:
        """Image Orientation (Patient): LPS cosines of growing column index, then of growing row index."""
        axes = self.affine[:3, :2] / np.linalg.norm(self.affine[:3, :2], axis=0)
        return [_tidy(v) for v in (axes * [[-1], [-1], [1]]).T.ravel()]

    def position(self, k: int) -> list[float]:
        """Image Position (Patient) of slice k, LPS mm."""
        x, y, z = self.affine[:3, 3] + k * self.affine[:3, 2]
        return [_tidy(-x), _tidy(-y), _tidy(z)]


def _tidy(value: float) -> float:
    """Rounded so that it fits a decimal string, without a negative zero."""
    return round(float(value), 9) + 0.0 if abs(value) < 10 else round(float(value), 6) + 0.0


def _patient_and_study(case: Case) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID = case.patient_name, case.patient_id
    born = date.fromisoformat(case.date)
    ds.PatientBirthDate = f"{born.year - case.age_years}0101"
    ds.PatientSex, ds.PatientAge = case.sex, f"{case.age_years:03d}Y"
    ds.StudyInstanceUID, ds.StudyID = case.study_uid, str(case.index + 1)
    ds.StudyDate = case.date.replace("-", "")
    ds.StudyTime, ds.AccessionNumber, ds.ReferringPhysicianName = case.time, case.accession_number, ""
    ds.StudyDescription = "MRI Brain with contrast" if case.has_contrast else "MRI Brain"
    return ds


def _common(case: Case, plan: SeriesPlan, instance_uid: str) -> Dataset:
    ds = _patient_and_study(case)
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "MR", case.vendor, case.model
    ds.InstitutionName, ds.StationName = "Demonstration Archive", f"MR{case.index % 4 + 1}"
    ds.DeviceSerialNumber, ds.SoftwareVersions = f"{40000 + case.index % 7}", "demo 1.0"
    ds.SeriesInstanceUID, ds.SeriesNumber = plan.series_uid, plan.number
    ds.SeriesDescription, ds.ProtocolName = plan.description, plan.description
    ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = ds.StudyDate
    ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = _later(case.time, plan.number % 100)
    ds.PatientPosition, ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = "HFS", uid(case.study_uid, "frame"), ""
    ds.Laterality = ""
    if case.body_part:
        ds.BodyPartExamined = case.body_part
    if plan.contrast:
        ds.ContrastBolusAgent = "Gadobutrol"
        ds.ContrastBolusRoute, ds.ContrastBolusVolume = "INTRAVENOUS", 7.5
    ds.SOPInstanceUID = instance_uid
    ds.MagneticFieldStrength = case.field_t
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.Rows, ds.Columns = plan.rows, plan.columns
    return ds


def _later(time: str, minutes: int) -> str:
    total = int(time[:2]) * 60 + int(time[2:4]) + 4 * minutes
    return f"{total // 60 % 24:02d}{total % 60:02d}{time[4:]}"


def _image_type(plan: SeriesPlan, vendor: str) -> list[str]:
    match plan.sequence:
        case "ADC":
            return ["DERIVED", "PRIMARY", "ADC"] + (["ND"] if vendor.startswith("SIEMENS") else [])
        case "DWI":
            return (
                ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"] if vendor[0] == "S" else ["ORIGINAL", "PRIMARY", "OTHER"]
            )
    return ["ORIGINAL", "PRIMARY", "M"] + (["ND"] if vendor.startswith("SIEMENS") else [])


def _classic_timing(ds: Dataset, plan: SeriesPlan) -> None:
    """The MR Image module's type 1 and 2 attributes (PS3.3 C.8.3.1)."""
    inversion = plan.ti_ms > 0
    ds.ScanningSequence = (
        "EP"
        if plan.sequence in ("DWI", "ADC")
        else (["GR", "IR"] if plan.echo == "GR" else ["SE", "IR"])
        if inversion
        else plan.echo
    )
    variant = ["SK"] if plan.echo_train > 1 else ["SP"] if plan.echo == "GR" else []
    ds.SequenceVariant = (variant + (["MP"] if plan.dimensions == "3D" else [])) or ["NONE"]
    ds.ScanOptions = "FS" if plan.fat_suppressed else ""
    ds.MRAcquisitionType = plan.dimensions
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = plan.tr_ms, plan.te_ms, plan.flip_deg
    ds.EchoTrainLength = plan.echo_train
    if inversion:
        ds.InversionTime = plan.ti_ms
    ds.NumberOfAverages, ds.EchoNumbers, ds.ImagedNucleus = 1, 1, "1H"
    ds.ImagingFrequency = round(42.577 * ds.MagneticFieldStrength, 3)
    ds.SliceThickness, ds.SpacingBetweenSlices = plan.thickness_mm, plan.spacing_mm
    if plan.b_value is not None:
        ds.DiffusionBValue = plan.b_value
        ds.DiffusionDirectionality = "ISOTROPIC" if plan.b_value else "NONE"


def _window(ds: Dataset, level: tuple[float, float]) -> None:
    ds.WindowCenter, ds.WindowWidth = round(level[0]), round(level[1])


def _levels(volume: Drawn) -> tuple[float, float]:
    if volume.plan.sequence == "ADC":
        return 1200.0, 2400.0
    voxels = volume.voxels[::3, ::3]
    lit = voxels[voxels > voxels.mean() * 0.5]
    high = float(np.percentile(lit, 97))
    return high / 2, high


def _jpeg2000(frame: NDArray[np.uint16]) -> bytes:
    return bytes(openjpeg_encode(frame, bits_stored=12, photometric_interpretation=2, use_mct=False))


def _rle(frame: NDArray[np.uint16]) -> bytes:
    rows, columns = frame.shape
    return bytes(
        rle_encode(frame.tobytes(), rows=rows, columns=columns, samples_per_pixel=1, bits_allocated=16, byteorder="<")
    )


_SYNTAXES: dict[str, tuple[UID, Callable[[NDArray[np.uint16]], bytes]]] = {
    "explicit": (ExplicitVRLittleEndian, lambda frame: frame.tobytes()),
    "rle": (RLELossless, _rle),
    "jpeg2000": (JPEG2000Lossless, _jpeg2000),
}


def _encoded(ds: Dataset, pixels: NDArray[np.uint16], plan: SeriesPlan) -> bytes:
    """The file's bytes."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = _SYNTAXES[plan.syntax][0]
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_UID, "SPINECHO_DEMO"
    file = FileDataset("", ds, file_meta=meta, preamble=b"\x00" * 128)
    if plan.syntax == "explicit":
        file.PixelData = pixels.tobytes()
    else:
        encode = _SYNTAXES[plan.syntax][1]
        frames = pixels.reshape(-1, *pixels.shape[-2:])
        file.PixelData = encapsulate([encode(np.ascontiguousarray(frame)) for frame in frames])
        file["PixelData"].is_undefined_length = True
    file["PixelData"].VR = "OW" if plan.syntax == "explicit" else "OB"
    out = BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()


def classic_files(case: Case, volumes: list[Drawn]) -> list[bytes]:
    """One series as single-frame objects, in order of Instance Number."""
    files: list[bytes] = []
    for volume in volumes:
        plan, stored, level = volume.plan, volume.stored, _levels(volume)
        for k in range(plan.slices):
            number = len(files) + 1
            ds = _common(case, plan, uid(plan.series_uid, number))
            ds.SOPClassUID = MRImageStorage
            ds.ImageType = _image_type(plan, case.vendor)
            ds.InstanceNumber, ds.AcquisitionNumber = number, plan.part + 1
            _classic_timing(ds, plan)
            ds.ImageOrientationPatient, ds.ImagePositionPatient = volume.orientation, volume.position(k)
            normal = np.cross(volume.orientation[:3], volume.orientation[3:])
            ds.SliceLocation = round(float(normal @ np.array(volume.position(k))), 4)
            ds.PixelSpacing = [plan.pixel_mm, plan.pixel_mm]
            _window(ds, level)
            if plan.sequence == "ADC":
                ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
            files.append(_encoded(ds, stored[k], plan))
    return files


def _item(**values: object) -> Sequence:
    ds = Dataset()
    for name, value in values.items():
        setattr(ds, name, value)
    return Sequence([ds])


# Acquisition Contrast (0008,9209) where it is not the sequence's own name (PS3.3 C.8.13.3.1.1).
_CONTRAST = {
    "T2*": "T2_STAR",
    "FLAIR": "FLUID_ATTENUATED",
    "PD": "PROTON_DENSITY",
    "DWI": "DIFFUSION",
    "ADC": "DIFFUSION",
}


def _shared_groups(volumes: list[Drawn], plan: SeriesPlan, kind: list[str]) -> Dataset:
    first = volumes[0]
    shared = Dataset()
    shared.PixelMeasuresSequence = _item(
        PixelSpacing=[plan.pixel_mm, plan.pixel_mm],
        SliceThickness=plan.thickness_mm,
        SpacingBetweenSlices=plan.spacing_mm,
    )
    shared.PlaneOrientationSequence = _item(ImageOrientationPatient=first.orientation)
    shared.FrameAnatomySequence = _item(
        FrameLaterality="U",
        AnatomicRegionSequence=_item(CodeValue="12738006", CodingSchemeDesignator="SCT", CodeMeaning="Brain"),
    )
    shared.MRTimingAndRelatedParametersSequence = _item(
        RepetitionTime=plan.tr_ms,
        FlipAngle=plan.flip_deg,
        EchoTrainLength=plan.echo_train,
        RFEchoTrainLength=plan.echo_train if plan.echo == "SE" else 0,
        GradientEchoTrainLength=0 if plan.echo == "SE" else 1,
    )
    shared.MREchoSequence = _item(EffectiveEchoTime=plan.te_ms)
    modifier = Dataset()
    modifier.InversionRecovery = "YES" if plan.ti_ms > 0 else "NO"
    if plan.ti_ms > 0:
        modifier.InversionTimes = plan.ti_ms
    modifier.FlowCompensation, modifier.Spoiling = "NONE", "RF" if plan.echo == "GR" else "NONE"
    modifier.T2Preparation, modifier.SteadyStatePulseSequence = "NO", "NONE"
    modifier.SpectrallySelectedExcitation, modifier.SpatialPresaturation = "NONE", "NONE"
    modifier.SpectrallySelectedSuppression = "FAT" if plan.fat_suppressed else "NONE"
    modifier.ParallelAcquisition, modifier.PartialFourier = "NO", "NO"
    shared.MRModifierSequence = Sequence([modifier])
    shared.MRAveragesSequence = _item(NumberOfAverages=1)
    shared.MRImageFrameTypeSequence = _item(
        FrameType=kind,
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast=_CONTRAST.get(plan.sequence, plan.sequence),
    )
    shared.PixelValueTransformationSequence = _item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")
    center, width = _levels(first)
    shared.FrameVOILUTSequence = _item(WindowCenter=round(center), WindowWidth=round(width))
    return shared


def enhanced_file(case: Case, volumes: list[Drawn]) -> bytes:
    """One series as a single multi-frame object; b-values are a dimension beside position."""
    plan = volumes[0].plan
    ds = _common(case, plan, uid(plan.series_uid, 1))
    ds.SOPClassUID = EnhancedMRImageStorage
    derived = plan.sequence == "ADC"
    kind = (
        ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
        if derived
        else ["ORIGINAL", "PRIMARY", _CONTRAST.get(plan.sequence, plan.sequence), "NONE"]
    )
    ds.ImageType, ds.InstanceNumber, ds.AcquisitionNumber = kind, 1, 1
    ds.AcquisitionDateTime = str(ds.AcquisitionDate) + str(ds.AcquisitionTime)
    ds.AcquisitionDuration = round(plan.tr_ms * plan.rows / max(plan.echo_train, 1) / 1000, 1)
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique, ds.ComplexImageComponent = "NONE", "MAGNITUDE"
    ds.AcquisitionContrast = _CONTRAST.get(plan.sequence, plan.sequence)
    ds.ResonantNucleus, ds.KSpaceFiltering, ds.ApplicableSafetyStandardAgency = "1H", "NONE", "IEC"
    ds.PulseSequenceName = plan.description[:16]
    ds.MRAcquisitionType, ds.EchoPulseSequence = plan.dimensions, "SPIN" if plan.echo == "SE" else "GRADIENT"
    ds.MultipleSpinEcho, ds.MultiPlanarExcitation, ds.PhaseContrast, ds.TimeOfFlightContrast = "NO", "NO", "NO", "NO"
    ds.SteadyStatePulseSequence, ds.EchoPlanarPulseSequence = "NONE", "YES" if plan.sequence in ("DWI", "ADC") else "NO"
    ds.SaturationRecovery, ds.SpectrallySelectedSuppression = "NO", "FAT" if plan.fat_suppressed else "NONE"
    ds.GeometryOfKSpaceTraversal, ds.RectilinearPhaseEncodeReordering = "RECTILINEAR", "LINEAR"
    ds.SegmentedKSpaceTraversal, ds.CoverageOfKSpace, ds.NumberOfKSpaceTrajectories = "SINGLE", "FULL", 1
    ds.BurnedInAnnotation, ds.LossyImageCompression, ds.PresentationLUTShape = "NO", "00", "IDENTITY"
    ds.ContentQualification = "RESEARCH"
    ds.AcquisitionContextSequence = Sequence([])

    organisation = uid(plan.series_uid, "dimensions")
    ds.DimensionOrganizationSequence = _item(DimensionOrganizationUID=organisation)
    index = [_pointer(organisation, 0x00209113, 0x00200032)]
    if plan.b_value is not None:
        index.append(_pointer(organisation, 0x00189117, 0x00189087))
    ds.DimensionIndexSequence = Sequence(index)
    ds.SharedFunctionalGroupsSequence = Sequence([_shared_groups(volumes, plan, kind)])
    frames = []
    for part, volume in enumerate(volumes, 1):
        for k in range(volume.plan.slices):
            frame = Dataset()
            at = [k + 1] if plan.b_value is None else [k + 1, part]
            frame.FrameContentSequence = _item(
                FrameAcquisitionNumber=part, DimensionIndexValues=at, StackID="1", InStackPositionNumber=k + 1
            )
            frame.PlanePositionSequence = _item(ImagePositionPatient=volume.position(k))
            if volume.plan.b_value is not None:
                directed = "ISOTROPIC" if volume.plan.b_value else "NONE"
                frame.MRDiffusionSequence = _item(DiffusionBValue=volume.plan.b_value, DiffusionDirectionality=directed)
            frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.NumberOfFrames = len(frames)
    return _encoded(ds, np.concatenate([v.stored for v in volumes]), plan)


def _pointer(organisation: str, group: int, attribute: int) -> Dataset:
    ds = Dataset()
    ds.DimensionOrganizationUID = organisation
    ds.DimensionIndexPointer, ds.FunctionalGroupPointer = attribute, group
    return ds


def series_files(case: Case, volumes: list[Drawn]) -> list[bytes]:
    """The files of one series, in the storage form that its plan asks for."""
    return [enhanced_file(case, volumes)] if volumes[0].plan.storage == "enhanced" else classic_files(case, volumes)
