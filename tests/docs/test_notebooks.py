"""The notebooks run from their first cell to their last, on a demonstration archive of few slices."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from archives import Home, small_archive
from nbclient import NotebookClient

LONG = pytest.mark.skipif(
    not os.environ.get("SPINECHO_TEST_NOTEBOOKS"), reason="two notebooks are run by 'make test-servers' alone"
)
NOTEBOOKS = Path(__file__).resolve().parents[2] / "docs" / "notebooks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `make demo` leaves it: demo/archive, and demo/home where it is indexed."""
    made = tmp_path_factory.mktemp("notebooks")
    archive = small_archive(made / "demo" / "archive", studies=20, seed=0)
    home = made / "demo" / "home"
    home.mkdir()
    Home(home).index(archive)
    return made


@pytest.fixture
def ran(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    for name in ("SPINECHO_HOME", "SPINECHO_DATABASE", "SPINECHO_RECORD", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    return Ran(folder)


class Ran:
    """Runs notebooks and keeps what their cells gave."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.texts: list[str] = []
        """By code cell: what it printed and its value as text."""
        self.kinds: set[str] = set()
        """MIME types of all outputs."""

    def __call__(self, name: str) -> Ran:
        """Raises `CellExecutionError` with the traceback of the cell that failed."""
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        client = NotebookClient(
            notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(self._folder)}}
        )
        client.execute()
        for cell in (one for one in notebook.cells if one.cell_type == "code"):
            outputs = cell.outputs
            self.kinds |= {kind for one in outputs for kind in one.get("data", ())}
            self.texts.append(
                "\n".join(one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs)
            )
        return self

    def text_of(self, mark: str) -> str:
        """The output that holds the mark."""
        return next(text for text in self.texts if mark in text)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_find_and_look(ran: Ran) -> None:
    ran("find-and-look")
    assert {"text/html", "image/png"} <= ran.kinds


@LONG
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_cohort_and_a_head_trained_on_it(ran: Ran, folder: Path) -> None:
    ran("cohort-and-head")
    assert "accuracy" in ran.text_of("# sequence")
    assert "# mass" in ran.text_of("# mass")
    assert (folder / "cohort-and-head" / "heads" / "sequence" / "model.safetensors").is_file()


@LONG
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_encoder_of_your_own(ran: Ran) -> None:
    ran("own-encoder")
    assert "small pictures" in ran.text_of("small pictures")
