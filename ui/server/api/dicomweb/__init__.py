"""DICOMweb out: QIDO-RS and WADO-RS (PS3.18) over the indexed studies, so that viewers open a hit from here."""
