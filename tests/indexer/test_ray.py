"""Indexing on a real Ray cluster of two nodes: what one process would have stored, whoever dies on the way."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from archives import Home, copy_of
from ray_clusters import Cluster, running_cluster

pytestmark = pytest.mark.timeout(1800)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture
def cluster(nodes: Cluster) -> Cluster:
    """Two nodes, whatever became of them before."""
    nodes.repair()
    return nodes


def command(home: Home, *words: str) -> list[str]:
    return [sys.executable, "-m", "spinecho.ui.cli.entry", *words, "--home", str(home.folder)]


def run(home: Home, *words: str, status: int = 0) -> dict[str, Any]:
    done = subprocess.run(command(home, *words, "--json"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_rows_are_those_of_one_process_and_a_second_run_does_nothing(
    cluster: Cluster, indexed: Home, archive: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    first = run(home, "index", str(archive), "--ray", cluster.address)
    assert first["seconds"]["encode"] > 0
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()
    again = run(home, "index", str(archive), "--ray", cluster.address)
    assert again["counts"]["unchanged"] == again["counts"]["files"]
    assert again["seconds"]["read"] == again["seconds"]["encode"] == 0
    assert home.rows() == indexed.rows()


@pytest.mark.parametrize("name", ["ray::_read", "ray::_Encoder", "raylet"])
def test_whoever_is_killed_the_rows_are_those_of_one_process(
    cluster: Cluster, indexed: Home, archive: Path, tmp_path: Path, name: str
) -> None:
    """A process that reads, one that encodes, and a whole node; each while vectors are stored."""
    home, chance = Home(tmp_path / "home"), random.Random(name)
    total = indexed.query("SELECT count(*) FROM vectors")[0][0]
    driver = subprocess.Popen(
        [*command(home, "index", str(archive)), "--ray", cluster.address],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    killed = 0
    wanted = chance.uniform(0.0, 0.3) * total
    while driver.poll() is None and killed < (1 if name == "raylet" else 3):
        if home.count("vectors") < wanted:
            time.sleep(0.02)
            continue
        victims = cluster.processes(name, nodes=slice(1, None) if name == "raylet" else slice(None))
        if victims:
            victim = chance.choice(victims)
            victim.kill()
            killed += 1
            wanted += chance.uniform(0.1, 0.2) * total
    said, _ = driver.communicate()
    assert driver.returncode == 0, said[-3000:]
    assert killed, "nothing was there to be killed"
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_killed_driver_leaves_what_is_stored_and_the_next_goes_on(
    cluster: Cluster, indexed: Home, archive: Path, tmp_path: Path, share: float
) -> None:
    home = Home(tmp_path / "home")
    total = indexed.query("SELECT count(*) FROM vectors")[0][0]
    words = command(home, "index", str(archive), "--ray", cluster.address)
    driver = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while driver.poll() is None and (home.count("vectors") < share * total or not cluster.processes("ray::_Encoder")):
        time.sleep(0.02)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    stored = home.count("vectors")
    assert stored < total
    summary = run(home, "index", str(archive), "--ray", cluster.address)
    assert summary["counts"]["series"] < indexed.query("SELECT count(*) FROM series")[0][0] or not stored
    assert home.rows() == indexed.rows()
    due = time.monotonic() + 60
    while cluster.processes("ray::_Encoder") and time.monotonic() < due:
        time.sleep(0.2)
    assert not cluster.processes("ray::_Encoder"), "encoders of a run that is over are left"


def test_another_encoder_is_added_by_the_cluster(cluster: Cluster, indexed: Home, tmp_path: Path) -> None:
    found = []
    for place, words in (("here", ()), ("there", ("--ray", cluster.address))):
        home = copy_of(indexed, tmp_path / place)
        added = run(home, "encoders", "add", "slices-minilm", *words)
        assert added["ahead"] == 0
        number = added["encoder"]["number"]
        found.append(
            home.query(f"SELECT volume_id, hex(data) FROM vectors WHERE space_id = {number} ORDER BY volume_id")
        )
    assert found[0] == found[1]


def test_what_cannot_be_is_said_in_a_line(cluster: Cluster, archive: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    for address, status, words in (
        ("ray://127.0.0.1:10001", 2, "HOST:PORT"),
        ("127.0.0.1:1", 3, "no Ray cluster answers"),
    ):
        done = subprocess.run(
            command(home, "index", str(archive), "--ray", address),
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr[-2000:]
        assert words in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr


def test_nothing_is_run_from_the_folder_where_somebody_stands(
    cluster: Cluster, indexed: Home, archive: Path, tmp_path: Path
) -> None:
    stands = tmp_path / "stands"
    stands.mkdir()
    for module in ("numpy", "sqlalchemy", "spinecho"):
        (stands / f"{module}.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w').close()\n")
    home = Home(tmp_path / "home")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "spinecho.ui.cli.app", "index", str(archive), "--limit", "1", "--home",
         str(home.folder), "--ray", cluster.address],
        cwd=stands, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert not (tmp_path / "was-run").exists()


def test_memory_is_bounded_by_what_is_under_way(cluster: Cluster, archive: Path, tmp_path: Path) -> None:
    """All processes of the run together, while the archive is read whole."""
    home = Home(tmp_path / "home")
    driver = subprocess.Popen(
        command(home, "index", str(archive), "--ray", cluster.address), cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    most = 0
    while driver.poll() is None:
        ours = [*cluster.processes("ray::_"), psutil.Process(driver.pid)]
        most = max(most, sum(_resident(one) for one in ours))
        time.sleep(0.5)
    assert driver.wait() == 0
    assert most < 6 << 30


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_cluster_that_is_gone_under_a_run_is_told_and_the_next_goes_on(
    indexed: Home, archive: Path, tmp_path: Path, how: signal.Signals
) -> None:
    """All of its processes are killed, or stopped: as a switch or a machine that is off looks from outside."""
    home = Home(tmp_path / "home")
    with running_cluster() as gone:
        words = command(home, "index", str(archive), "--ray", gone.address)
        driver = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while driver.poll() is None and not (gone.processes("ray::_read") and gone.processes("ray::_Encoder")):
            time.sleep(0.02)
        assert driver.poll() is None, driver.communicate()[0][-2000:]
        everything = [one for node in gone.nodes for one in psutil.Process(node.pid).children(recursive=True)]
        for one in everything:
            with suppress(psutil.Error):
                one.send_signal(how)
        try:
            said, _ = driver.communicate(timeout=180)
        finally:
            driver.kill()
            for one in everything:
                with suppress(psutil.Error):
                    one.resume()
    assert driver.returncode == 3, said[-3000:]
    assert "Traceback" not in said
    assert "run the same command again" in said
    run(home, "index", str(archive))
    assert home.rows() == indexed.rows()
    assert home.answers() == indexed.answers()
