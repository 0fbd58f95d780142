"""HL7 messages in the shape of public descriptions: IHE's results (OBR-18), the page of Patients Know Best."""

from __future__ import annotations


def oru(
    *results: str,
    number: str = "A100",
    status: str = "F",
    sent: str = "20240102101010",
    control: str = "1",
    charset: str = "",
    obr18: bool = True,
    more: tuple[str, ...] = (),
) -> str:
    """An ORU^R01 of one order; results are OBX segments, or texts."""
    msh = f"MSH|^~\\&|RIS|HOSP|ARCHIVE|HOSP|{sent}||ORU^R01|{control}|P|2.5||||||{charset}"
    obr = ["OBR", "1", "PLACER9", "" if obr18 else number, "70551^MRI BRAIN^CPT", *[""] * 13, number if obr18 else ""]
    obr += [""] * 6 + [status]
    lines = [
        one if one.startswith("OBX|") else f"OBX|{n}|TX|RPT^Report||{one}||||||{status}"
        for n, one in enumerate(results, 1)
    ]
    pid = "PID|1||77^^^NAT^NI~4711^^^HOSP^MR||DOE^JANE||19700101|F"
    return "\r".join([msh, pid, "|".join(obr), *lines, *more]) + "\r"
