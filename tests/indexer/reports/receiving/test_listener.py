"""What was acknowledged is on the disk, whatever happens then; who may not send is not listened to."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from threading import Thread

import pytest
from archives import Home
from hl7_messages import oru
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import run_apart
from parts_encoder import parts_dual

from spinecho.errors import SettingsError
from spinecho.filling.receiving import receive_reports
from spinecho.indexer.reports.receiving.frames import FrameTooLong, answer_to, frames, read_head
from spinecho.indexer.reports.receiving.listener import Listener
from spinecho.indexer.reports.receiving.spool import Spool, SpoolUnusable

HERE = [ip_network("127.0.0.0/8")]


def framed(message: str | bytes) -> bytes:
    return b"\x0b" + (message if isinstance(message, bytes) else message.encode()) + b"\x1c\r"


def answers(connection: socket.socket, *messages: str | bytes) -> list[str]:
    """The codes of the acknowledgements, each waited for."""
    found = []
    for message in messages:
        connection.sendall(framed(message))
        held = b""
        while not held.endswith(b"\x1c\r"):
            part = connection.recv(4096)
            if not part:
                return found
            held += part
        found.append(next(line for line in held.decode().split("\r") if line.startswith("MSA")).split("|")[1])
    return found


def with_listener(listener: Listener, act: Callable[[int], None]) -> None:
    async def both() -> None:
        port = await listener.start("127.0.0.1", 0)
        await asyncio.to_thread(act, port)
        await listener.stop()

    run_apart(both)


def kept(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.rglob("*.hl7"))]


def test_a_message_is_kept_as_it_came_and_acknowledged(tmp_path: Path) -> None:
    listener = Listener(Spool(tmp_path / "in"), HERE, most_bytes=1 << 16)
    message = oru("Läsion ~5 mm.").encode("latin-1")

    def act(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            enhanced = oru("x.", control="7").replace("|P|2.5||||||", "|P|2.5|||AL|||")
            adt = oru("x.").replace("ORU^R01", "ADT^A08")
            assert answers(connection, message, enhanced, adt, "GET / HTTP/1.1") == ["AA", "CA", "AR", "AR"]
        with socket.create_connection(("127.0.0.1", port)) as connection:
            assert answers(connection, b"MSH|" + bytes(1 << 17)) in (["AR"], [])

    with_listener(listener, act)
    assert kept(tmp_path / "in")[0] == message
    assert (listener.counts["received"], listener.counts["refused"]) == (2, 3)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "in").rglob("*"))


def test_a_disk_that_fails_is_no_acknowledgement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "in")

    def full(_message: bytes) -> Path:
        raise OSError(28, "No space left on device")

    def act(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            with monkeypatch.context() as patch:
                patch.setattr(spool, "keep", full)
                assert answers(connection, oru("x.")) == ["AE"]
            assert answers(connection, oru("x.")) == ["AA"]

    with_listener(Listener(spool, HERE), act)
    assert len(kept(tmp_path / "in")) == 1


def test_only_those_who_may_send_are_listened_to(tmp_path: Path) -> None:
    listener = Listener(Spool(tmp_path / "in"), [ip_network("10.0.0.0/8")])

    def act(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection, contextlib.suppress(ConnectionError):
            assert answers(connection, oru("x.")) == []

    with_listener(listener, act)
    assert kept(tmp_path / "in") == []
    with pytest.raises(SettingsError, match="--allow"):
        receive_reports(tmp_path / "in", host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"10\.1\.2\.0/24"):
        receive_reports(tmp_path / "in", allow=["ris.example"])
    (tmp_path / "file").write_text("x")
    with pytest.raises(SpoolUnusable):
        receive_reports(tmp_path / "file" / "in")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_no_acknowledged_message_is_lost_when_it_is_killed(tmp_path: Path, end: signal.Signals) -> None:
    folder = tmp_path / "in"
    code = (
        "import sys; from spinecho.filling.receiving import receive_reports; "
        "receive_reports(sys.argv[1], port=0, on_ready=lambda port: print(port, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        acknowledged: list[list[str]] = [[], [], []]

        def send(lane: int) -> None:
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    for number in range(10_000):
                        message = oru(f"Message {number} of {lane}.")
                        if answers(connection, message) != ["AA"]:
                            return
                        acknowledged[lane].append(message)
                        if lane == 0 and number == 20:
                            process.send_signal(end)
            except ConnectionError:
                pass

        lanes = [Thread(target=send, args=(lane,)) for lane in range(3)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        assert process.wait(20) == (0 if end == signal.SIGTERM else -end)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    there = {message.decode() for message in kept(folder)}
    assert len(acknowledged[0]) > 20
    assert all(message in there for lane in acknowledged for message in lane)
    assert all(message.endswith("\r") for message in there), "a file under its final name is whole"
    Spool(folder)
    assert not list(folder.rglob(".*.partial"))


MESSAGES = int(os.environ.get("SPINECHO_HL7_MESSAGES", "60"))
"""10,000 on demand."""


def test_a_stream_with_corrections_ends_in_the_right_texts(tmp_path: Path) -> None:
    chance = random.Random(7)
    stream: list[tuple[str, str]] = []
    right: dict[str, set[str]] = {}
    while len(stream) < MESSAGES:
        number = f"A{1000 + len(right)}"
        texts = [f"Reading {n} of {number}." for n in range(chance.randint(1, 4))]
        statuses = ["P" if n == 0 and len(texts) > 1 else "F" if n < 2 else "C" for n in range(len(texts))]
        versions = list(zip(texts, statuses, strict=True))
        right[number] = {texts[-1]}
        if chance.random() < 0.2:
            versions.append(("", "X"))
            right[number] = set()
        elif chance.random() < 0.2:
            versions.append((f"OBX|1|TX|70551&ADT^MRI||More of {number}.||||||F", "F"))
            right[number].add(f"ADDENDUM:\nMore of {number}.")
        stream += [
            (f"2024010{1 + n}120000", oru(*([text] if text else []), number=number, status=status,
                                          sent=f"2024010{1 + n}120000", control=f"{number}-{n}"))
            for n, (text, status) in enumerate(versions)
        ]  # fmt: skip
    stream.sort(key=lambda one: one[0])
    resent = [message for _, message in chance.sample(stream, len(stream) // 10)]  # their answer was lost

    def act(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            messages = [message for _, message in stream] + resent
            assert answers(connection, *messages) == ["AA"] * len(messages)

    with_listener(Listener(Spool(tmp_path / "in"), HERE), act)
    home = Home(tmp_path / "home", parts_dual)
    home.index(tmp_path / "in")
    found: dict[str, set[str]] = {number: set() for number in right}
    for number, text in home.query(
        "SELECT accession_number, text FROM reports WHERE standing IN ('stands', 'addendum')"
    ):
        found[number].add(text)
    assert found == right


class Chunks:
    def __init__(self, chunks: list[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]

    async def read(self, n: int = -1) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


@settings(max_examples=40, deadline=None)
@given(
    messages=st.lists(st.binary(max_size=30).map(lambda one: one.translate(None, b"\x0b\x1c")), max_size=4),
    between=st.binary(max_size=6).map(lambda one: one.translate(None, b"\x0b\x1c")),
    size=st.integers(1, 9),
)
def test_frames_come_whole_however_the_network_cuts_them(messages: list[bytes], between: bytes, size: int) -> None:
    sent = b"".join(between + b"\x0b" + one + b"\x1c\r" for one in messages) + b"\x0bunfinished"

    async def read() -> list[bytes]:
        return [one async for one in frames(Chunks([sent[n : n + size] for n in range(0, len(sent), size)]), most=99)]

    assert run_apart(read) == messages


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda one: b"MSH|^~\\&|" + one))
def test_any_bytes_are_answered(message: bytes) -> None:
    answer = answer_to(read_head(message), "R", "why")
    assert answer == b"" or (answer.startswith(b"\x0bMSH") and answer.count(b"\x1c") >= 1)


def test_a_frame_without_an_end_is_given_up() -> None:
    async def read() -> None:
        async for _ in frames(Chunks([b"\x0b" + bytes(50)] * 9), most=99):
            pass

    with pytest.raises(FrameTooLong):
        run_apart(read)
