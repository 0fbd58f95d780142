"""The child end of `processes`: takes one request at a time, answers in frames, never outlives its parent."""

from __future__ import annotations

import importlib
import os
import sys

from spinecho.encoders.sandbox.confinement import COMPILED_MB, allow_writing, confine
from spinecho.encoders.sandbox.frames import Call, Message, read_request, write_frame

__all__ = ["Call", "Message", "write_frame"]


def main() -> None:
    """Serve requests from standard input until it closes.

    What is no `Exception` is one failure too: a library in Rust raises its panics so, and one that means to end the
    program would take the rest of a batch with it. Ctrl-C does not come here, see `confine`.
    """
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # a library that prints must not break into a frame
    confine(int(sys.argv[1]))
    requests = sys.stdin.buffer
    while (request := read_request(requests)) is not None:
        try:
            module, name = request["call"].split(":")
            allow_writing(COMPILED_MB)
            call: Call = getattr(importlib.import_module(module), name)
            allow_writing(request["writes_mb"])
            for value, buffers in call(request["arguments"]):
                write_frame(answers, {"part": value}, buffers)
            write_frame(answers, {"end": "done"})
        except MemoryError:
            write_frame(answers, {"end": "memory"})
            return
        except BaseException as error:  # whatever a parser does on hostile bytes; its text may hold patient data
            write_frame(answers, {"end": "crash", "kind": type(error).__name__})


if __name__ == "__main__":
    main()
