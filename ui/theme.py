"""How Streamlit is started: its colours, and what it must not do. One place for the command, tests and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

Theme: TypeAlias = Literal["dark", "light"]
PAGE = Path(__file__).with_name("page.py")
UPLOAD_MB = 500
_COLOURS: dict[Theme, dict[str, str]] = {
    "dark": {
        "primaryColor": "#8fbfe0",
        "backgroundColor": "#0f1114",
        "secondaryBackgroundColor": "#1b1f24",
        "textColor": "#e8eaed",
        "borderColor": "#343a42",
        "sidebar.backgroundColor": "#14171b",
        "sidebar.secondaryBackgroundColor": "#1f242a",
    },
    "light": {
        "primaryColor": "#1b5f8f",
        "backgroundColor": "#fbfbfa",
        "secondaryBackgroundColor": "#eff1f3",
        "textColor": "#15181c",
        "borderColor": "#c3c9d0",
        "sidebar.backgroundColor": "#f3f4f5",
        "sidebar.secondaryBackgroundColor": "#ffffff",
    },
}


def streamlit_flags(
    *, address: str = "127.0.0.1", port: int = 8501, theme: Theme = "dark", secrets: Path | None = None
) -> list[str]:
    """Arguments after `streamlit run page.py`. secrets: the file with the section `auth`, where people sign in."""
    options: dict[str, str | int] = {
        "server.address": address,
        "server.port": port,
        "server.headless": "true",
        "server.maxUploadSize": UPLOAD_MB,
        "server.fileWatcherType": "none",
        "runner.magicEnabled": "false",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "client.disableDataExport": "true",  # the browser's CSV of a table has formulas in it, and is on no record
        "theme.base": theme,
        "theme.baseRadius": "small",
        **{f"theme.{name}": colour for name, colour in _COLOURS[theme].items()},
    }
    if secrets is not None and secrets.exists():
        options["secrets.files"] = str(secrets)
    return [f"--{name}={value}" for name, value in options.items()]
