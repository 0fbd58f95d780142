from __future__ import annotations

import pytest

from spinecho.encoders.language.terms import mentions


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("haemorrhage", "Old blood products in the pons."),
        ("hemorrhage", "Haemorrhagic transformation."),
        ("bleed", "A subdural haematoma."),
        ("haemorrhage", "SAH in the sylvian fissure"),
        ("enhancement", "An avidly enhancing mass."),
        ("enhancement", "The lesion enhances."),
        ("enhancement", "The optic nerve is enhanced."),
        ("oedema", "vasogenic edema"),
        ("edema", "Oedematous marrow"),
        ("tumour", "A neoplasm of the pons"),
        ("tumor", "Recurrent tumours"),
        ("tumour", "Histologically GBM"),
        ("mass", "known glioblastoma"),
        ("mets", "multiple cerebral metastases"),
        ("stroke", "Acute ischaemia in the MCA territory"),
        ("MCA infarct", "Stroke in the middle cerebral artery territory"),
        ("WMH", "Confluent white matter hyperintensities"),
        ("small vessel disease", "leukoaraiosis"),
        ("diffusion restriction", "The cortex shows restricted diffusion."),
        ("hydrocephalus", "Ventriculomegaly."),
        ("cord compression", "Compression of the cord at C5"),
        ("ACL tear", "The anterior cruciate ligament is torn."),
        ("disc herniation", "Left paracentral disk extrusion"),
        ("black hole lesions", "T1 black holes; a lesion"),
        ("ring enhancement", "ring-enhancing lesion"),
        ("colour", "a color map"),
        ("fibre", "fibers"),
        ("gray matter", "grey matter"),
        ("lesions", "a lesion"),
        ("artefact", "Motion artifact."),
        ("Ödem", "perifokales Oedem"),
        ("cysts", "arachnoid cyst"),
        ("effusion", "pleural effusions"),
    ],
)
def test_mentioned(term: str, sentence: str) -> None:
    assert mentions(term, sentence)


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ("enhancement", "A non-enhancing lesion."),
        ("mass", "Marked mass effect."),
        ("stroke", "Stroke volume is 70 ml."),
        ("meningioma", "A glioma."),
        ("haemorrhage", "An infarct."),
        ("MCA infarct", "ACA infarct"),
        ("ms", "a mass"),
        ("metastasis", "a tumour"),
        ("", "a mass"),
        ("?", "a mass"),
        ("the", "the mass"),
    ],
)
def test_not_mentioned(term: str, sentence: str) -> None:
    assert not mentions(term, sentence)
