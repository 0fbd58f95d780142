"""`spinecho receive-reports`: an HL7 listener in front of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinecho.filling.receiving import receive_reports
from spinecho.ui.printing.options import LOOPBACK, AsJson, err, guarded, out, print_json


@guarded
def receive(
    folder: Annotated[Path, typer.Argument(help="Where messages are kept, a file each; index this folder.")],
    host: Annotated[str, typer.Option(help="Address of this machine to listen at.")] = LOOPBACK,
    port: Annotated[int, typer.Option(help="Port to listen at; 0 takes one that is free.", min=0, max=65535)] = 2575,
    allow: Annotated[
        list[str] | None, typer.Option("--allow", help="Address or network that may send. [default: this machine]")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(help="For TLS: the listener's certificate (PEM).")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key (PEM), where the certificate does not hold it.")] = None,
    client_ca: Annotated[
        Path | None, typer.Option("--client-ca", help="Senders have to show a certificate signed by this one (PEM).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Receive reports as HL7 messages over MLLP; each is on the disk before it is acknowledged.

    It runs until it is stopped. Then index the folder: spinecho index FOLDER. Results (ORU, MDM) are taken, other
    messages refused (AR); AE says that the disk failed and the sender has to send again.
    """
    counts = receive_reports(
        folder, host=host, port=port, allow=allow or (), certificate=certificate, key=key, client_authority=client_ca,
        on_ready=lambda found: err.print(f"Listening at {host}:{found}, messages go to {folder}", soft_wrap=True),
    )  # fmt: skip
    if as_json:
        print_json(counts)
    else:
        shown = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in sorted(counts.items()))
        out.print(f"Messages: {shown or 'none'}.")
