"""`spinecho ui` as a process: from a hostile folder, spoken to by strangers, and whom it speaks to."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.browser import free_port
from spinecho.access.roles import RolesError
from spinecho.db.schema.database import Database
from spinecho.encoders.sandbox.environment import command_environment, module_path, reading_environment
from spinecho.setup.settings import as_environment, read_settings
from spinecho.ui.cli.app import app
from spinecho.ui.server import one, serve
from spinecho.ui.server.jobs import pages as pages_of_jobs
from spinecho.ui.server.serve import (
    SECRET,
    NoPort,
    OpenToEverybody,
    check_address,
    check_port,
    is_loopback,
    rules_for,
    tell_address,
)

ROOT = Path(__file__).parents[2]
OUTSIDE = Path(__file__).parent / "outside"
PLANTED = ("streamlit", "json", "sitecustomize", "usercustomize", "ui", "encoders", "db", "tomllib", "starlette")
SECRETS = "[auth]\nredirect_uri = 'http://evil.example/oauth2callback'\ncookie_secret = 'x'\n"


@dataclass
class Served:
    """A room that was started from a hostile folder."""

    port: int
    home: Path
    hostile: Path
    heard: Path
    process: subprocess.Popen[str]

    def get(self, path: str = "/", host: str = "", **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{self.port}", **names})
        answer = connection.getresponse()
        content = answer.read() if answer.status != 101 else b""
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def socket(self, **headers: str) -> int:
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13",
                   "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec_WebSocket_Protocol": "streamlit"}  # fmt: skip
        return self.get("/_stcore/stream", **upgrade, **headers)[0]


def plant(folder: Path) -> None:
    """What an archive may hold to run as the one who stands in it."""
    folder.mkdir()
    for name in PLANTED:
        (folder / f"{name}.py").write_text(f"open({str(folder / 'RAN')!r}, 'a').write({name!r})\n")
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(SECRETS)
    (folder / ".streamlit" / "config.toml").write_text(
        "[server]\nenableCORS = false\nenableXsrfProtection = false\nenableStaticServing = true\nbaseUrlPath = 'x'\n"
        "enableAgentApi = true\n[browser]\ngatherUsageStats = true\n[client]\nshowErrorDetails = 'full'\n"
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("room")
    hostile, home, port = folder / "archive", folder / "home", free_port()
    plant(hostile)
    Database.open(home / "spinecho.sqlite").close()
    environment = {
        "PATH": f":{os.environ['PATH']}", "HOME": str(folder), "PYTHONPATH": f"{OUTSIDE}:{ROOT}",
        "SPINECHO_TEST_OUTSIDE": str(folder / "heard"), "STREAMLIT_SERVER_ENABLE_STATIC_SERVING": "true",
        "AWS_SECRET_ACCESS_KEY": "canary", "SPINECHO_DEVICE": "cpu",
    }  # fmt: skip
    command = [sys.executable, "-P", "-m", "spinecho.ui.cli.app", "ui", "--home", str(home), "--port", str(port)]
    before = os.umask(0)
    try:
        process = subprocess.Popen(
            command, cwd=hostile, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    finally:
        os.umask(before)
    context = Served(port, home, hostile, folder / "heard", process)
    try:
        for _ in range(240):
            assert process.poll() is None, process.communicate()[0]
            try:
                if context.get("/_stcore/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.25)
        yield context
    finally:
        process.kill()
        process.wait()


def test_the_listener_hears(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(OUTSIDE), "SPINECHO_TEST_OUTSIDE": str(tmp_path / "heard")}
    code = "import socket; socket.socket(2, 2).connect(('127.0.0.1', 9)); socket.socket(2, 2).connect(('192.0.2.1', 9))"
    subprocess.run([sys.executable, "-c", code], env=environment, check=False, capture_output=True)
    assert (tmp_path / "heard").read_text() == "socket.connect 192.0.2.1\n"


def secret_of(context: Served) -> str:
    return (context.home / f"room-{context.port}.address").read_text().strip().partition("secret=")[2]


def cookie_of(context: Served) -> str:
    status, headers, _ = context.get(f"/?secret={secret_of(context)}")
    assert (status, headers["location"]) == (303, "/")
    return headers["set-cookie"].partition(";")[0]


def test_nothing_of_the_folder_one_stands_in_is_run_or_read(served: Served) -> None:
    assert not (served.hostile / "RAN").exists()
    status, headers, content = served.get(cookie=cookie_of(served))
    assert status == 200
    assert b"<title>Streamlit</title>" in content
    assert served.get("/app/static/x", cookie=cookie_of(served))[0] != 500
    assert "x-frame-options" in headers
    openapi = served.get("/_stcore/agent/openapi.json", cookie=cookie_of(served))[2].lower()
    assert b'"enabled":true' not in openapi.replace(b" ", b"")


def test_strangers_are_answered_by_the_door_alone(served: Served) -> None:
    status, headers, content = served.get()
    assert status == 403
    assert b"first address" in content
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert served.get(host="evil.example")[0] == 421
    assert served.socket() == 403
    cookie = cookie_of(served)
    assert served.socket(cookie=cookie, Origin="http://evil.example") == 403
    assert served.socket(cookie=cookie, Origin=f"http://localhost:{served.port}") == 403
    assert served.socket(cookie=cookie, Origin=f"http://127.0.0.1:{served.port}") == 101


def test_the_process_knows_nothing_that_it_does_not_need(served: Served) -> None:
    environment = Path(f"/proc/{served.process.pid}/environ").read_text()
    assert "canary" not in environment
    assert "STREAMLIT_" not in environment
    assert secret_of(served) not in environment
    assert secret_of(served) not in Path(f"/proc/{served.process.pid}/cmdline").read_text()
    assert Path(f"/proc/{served.process.pid}/cwd").readlink() == Path("/")


def test_what_it_wrote_is_its_owners_also_under_umask_0(served: Served) -> None:
    modes = {path: path.stat().st_mode & 0o777 for path in (served.home, *served.home.rglob("*"))}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes


def test_it_spoke_to_nobody_and_told_no_secret(served: Served) -> None:
    for origin in (f"http://127.0.0.1:{served.port}", "http://evil.example", "http://192.168.9.9:8501"):
        served.get("/_stcore/host-config", cookie=cookie_of(served), Origin=origin)
        served.get("/_stcore/health", Origin=origin)
    secret, file = secret_of(served), served.home / f"room-{served.port}.address"
    served.process.send_signal(signal.SIGTERM)
    told = served.process.communicate(timeout=60)[0]
    assert not served.heard.exists(), served.heard.read_text()
    assert secret not in told, "standard output is no terminal here, but a log"
    assert str(file) in told
    assert not file.exists()


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.5", "scanner", "", "127.0.0.1.evil.example"])
def test_beyond_this_machine_somebody_has_to_sign_in(tmp_path: Path, address: str) -> None:
    settings = read_settings(home=tmp_path, environment={})
    with pytest.raises(OpenToEverybody, match="--open"):
        check_address(address, settings, allowed=False)
    assert not check_address(address, settings, allowed=True)
    settings.secrets.write_text("[auth]\nredirect_uri = 'https://room.hospital.example/oauth2callback'\n")
    assert check_address(address, settings, allowed=False)
    rules = rules_for(settings, address=address, port=1, hosts=(), signed=True, secret="x")
    assert "room.hospital.example" in rules.hosts
    assert "https://room.hospital.example" in rules.origins
    assert not rules.secret
    (tmp_path / "roles.toml").write_text("manager = 'x'")
    with pytest.raises(RolesError):
        check_address(address, settings, allowed=False)


def test_this_machine_is_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    settings = read_settings(home=Path("/none"), environment={})
    rules = rules_for(settings, address="0.0.0.0", port=7, hosts=["Room.example"], signed=False, secret="s")
    assert rules.any_address
    assert {"room.example", "localhost"} <= rules.hosts
    assert "https://room.example" in rules.origins
    assert not rules_for(settings, address="127.0.0.1", port=7, hosts=(), signed=False, secret="s").any_address


def test_the_command_refuses_and_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "spinecho.ui.cli.app", "ui", "--home", str(tmp_path), "--address", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)})
    assert done.returncode == 2
    assert "--open" in done.stderr


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A port at which somebody listens, and the address file of who does."""
    Database.open(tmp_path / "spinecho.sqlite").close()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        held = tmp_path / f"room-{port}.address"
        held.write_text("that of the server that runs\n")
        yield port, held


@pytest.mark.parametrize("command", [["ui"], ["serve"], ["serve", "--no-pages"], ["mcp", "--transport", "http"]])
def test_a_second_server_takes_nothing_from_the_first(taken: tuple[int, Path], command: list[str]) -> None:
    port, held = taken
    done = CliRunner().invoke(app, [*command, "--home", str(held.parent), "--port", str(port)])
    assert done.exit_code == 3, done.output
    assert f"127.0.0.1:{port} is taken" in done.output
    assert held.read_text() == "that of the server that runs\n"


@pytest.mark.parametrize("pages", [True, False])
def test_a_secret_of_ones_own_is_enough_for_a_home_that_may_only_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], pages: bool
) -> None:
    """`spinecho serve` took it out of the environment before it asked whether there was one."""

    def refused(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(serve, "open_private", refused)
    monkeypatch.setenv("SPINECHO_HOME", str(tmp_path))
    monkeypatch.setenv(SECRET, "s" * 40)
    monkeypatch.setattr(one, "_serve", lambda given: None)
    monkeypatch.setattr(serve, "_serve", lambda *given: None)
    monkeypatch.setattr(pages_of_jobs, "long_work", lambda *given, **named: contextlib.nullcontext())
    monkeypatch.setattr(os, "chdir", lambda place: None)
    if pages:
        serve.main([f"--port={free_port()}"])
    else:
        one.main([f"--port={free_port()}", "--no-pages"])
    assert f"its secret is that of {SECRET}" in capsys.readouterr().out
    assert SECRET not in os.environ


def test_nor_does_one_that_began_at_the_same_moment(taken: tuple[int, Path]) -> None:
    port, held = taken
    with pytest.raises(NoPort, match="is taken"):
        tell_address(read_settings(home=held.parent), "127.0.0.1", port, "s" * 40)
    assert held.read_text() == "that of the server that runs\n"


@pytest.mark.parametrize("address", ["192.0.2.1", "not a name", ".."])
def test_an_address_that_this_machine_has_not_is_named(address: str) -> None:
    with pytest.raises(NoPort, match="of this machine"):
        check_port(address, free_port())
    check_port("127.0.0.1", free_port())


def test_children_get_what_they_need_and_no_secret() -> None:
    given = {
        "PGPASSWORD": "p", "HF_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "a", "HOME": "/h", "PATH": "/bin::.:/usr/bin",
        "LD_LIBRARY_PATH": ":/opt", "LANG": "C", "SPINECHO_DATABASE": "postgresql://u:p@h/d", "http_proxy": "x",
        "PYTHONPATH": ":/x", "PYTHONSTARTUP": "/x.py", "LD_PRELOAD": "/x.so", "CUDA_VISIBLE_DEVICES": "0",
    }  # fmt: skip
    reading = reading_environment(given)
    assert {name for name in given if name in reading} == {"PATH", "LD_LIBRARY_PATH", "LANG", "PYTHONPATH"}
    assert (reading["PATH"], reading["LD_LIBRARY_PATH"]) == ("/bin:/usr/bin", "/opt")
    command = command_environment(given)
    assert {"PGPASSWORD", "HF_TOKEN", "HOME", "SPINECHO_DATABASE", "http_proxy", "CUDA_VISIBLE_DEVICES"} <= set(command)
    assert not {"AWS_SECRET_ACCESS_KEY", "LD_PRELOAD", "PYTHONSTARTUP"} & set(command)


def test_modules_are_never_looked_for_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = module_path(["", ".", "relative", str(tmp_path), "/usr/lib/python3", str(ROOT)])
    assert found == ["/usr/lib/python3", str(ROOT)]
    assert module_path(["/x"]) == ["/x", str(ROOT)]


def test_settings_are_handed_on_as_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    settings = read_settings(home=Path("home"), encoder="vit:model", text_model="model", environment={})
    told = as_environment(settings)
    assert told["SPINECHO_HOME"] == str(tmp_path / "home")
    assert told["SPINECHO_ENCODER"] == f"vit:{tmp_path / 'model'}"
    assert told["SPINECHO_TEXT_MODEL"] == str(tmp_path / "model")
    named = read_settings(home=Path("home"), encoder="clip:google/medsiglip-448", environment={})
    assert as_environment(named)["SPINECHO_ENCODER"] == "clip:google/medsiglip-448"


def test_every_setting_but_who_asks_is_handed_on(tmp_path: Path) -> None:
    (tmp_path / "roles.toml").write_text('default = "viewer"\n')
    given = {
        "SPINECHO_HOME": str(tmp_path / "home"), "SPINECHO_ENCODER": "synthetic", "SPINECHO_TEXT_MODEL": str(tmp_path),
        "SPINECHO_DEVICE": "cpu", "SPINECHO_SMALLEST_COUNT": "5", "SPINECHO_IDLE_MINUTES": "7",
        "SPINECHO_VIEWER_URL": "https://ohif.example/{study_uid}", "SPINECHO_ROLES": str(tmp_path / "roles.toml"),
        "SPINECHO_DATABASE": "postgresql://spinecho@db.example/spinecho", "SPINECHO_RECORD": str(tmp_path),
        "SPINECHO_NO_RECORD": "1", "SPINECHO_IDENTITIES": str(tmp_path),
        "SPINECHO_IDENTITIES_KEY": str(tmp_path / "key"), "SPINECHO_VECTORS": "milvus://vectors.example:19530",
    }  # fmt: skip
    for environment in (given, {}):
        settings = read_settings(home=tmp_path / "home", environment=environment)
        assert read_settings(environment=as_environment(settings)) == settings
    settings = read_settings(environment=given)
    plain = read_settings(home=tmp_path / "other", environment={})
    same = {one.name for one in fields(settings) if getattr(settings, one.name) == getattr(plain, one.name)}
    assert same == {"user"}, "a setting is not tried"
