"""How Streamlit is started: its colours, and what it must not do. One place for the command, tests and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

Theme: TypeAlias = Literal["dark", "light"]
PAGE = Path(__file__).parents[1] / "page.py"
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


def streamlit_options(
    *, secrets: Path, address: str = "127.0.0.1", port: int = 8501, theme: Theme = "dark"
) -> dict[str, Any]:
    """What the room's server is told. secrets: the file with the table `auth`, the only one that is looked for.

    What a `.streamlit` folder could change to the worse is said here too.
    """
    return {
        "server.address": address,
        "server.port": port,
        "server.headless": True,
        "server.maxUploadSize": UPLOAD_MB,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "server.baseUrlPath": "",
        "server.enableCORS": True,
        "server.enableXsrfProtection": True,
        "server.enableStaticServing": False,
        "server.enableAgentApi": False,
        "server.trustedUserHeaders": {},
        "runner.magicEnabled": False,
        "runner.postScriptGC": False,
        "browser.gatherUsageStats": False,
        "logger.hideWelcomeMessage": True,  # it asks other machines for this one's addresses
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "client.disableDataExport": True,  # the browser's CSV of a table has formulas in it, and is on no record
        "secrets.files": [str(secrets)],
        "theme.base": theme,
        "theme.baseRadius": "small",
        **{f"theme.{name}": colour for name, colour in _COLOURS[theme].items()},
    }
