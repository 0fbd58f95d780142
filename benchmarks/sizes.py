"""Sizes that sentences of reports give for something found, against what a reader takes for one.

    python -m benchmarks.sizes [--misses]

100 sentences, written before the rules that they count by whoever then wrote these: of each the largest dimension (low,
high) in mm of every size of a finding, in its order; distances, slices, margins and times are none. Misses with an even
number were not read while the rules were made, and both halves are counted apart; since then all of them are a test.
"""

from __future__ import annotations

import argparse
import json
from math import inf
from pathlib import Path

from benchmarks.clauses import share
from spinecho.encoders.language.sizes import sizes

_FILE = Path(__file__).parent / "data" / "sizes_written.jsonl"


def main() -> None:
    """Print how many sentences are read as meant, with 95 % intervals (Wilson 1927)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true")
    given = parser.parse_args()
    rows = [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]
    for half, some in (("read", rows[::2]), ("not read", rows[1::2])):
        right = 0
        for row in some:
            meant = [(low, inf if high is None else high) for low, high in row["sizes"]]
            found = [size.largest for size in sizes(row["sentence"])]
            right += found == meant
            if given.misses and found != meant and half == "read":
                print(f"  {row['sentence']!r}: {found}, meant {meant}")
        print(f"{half}: {share(right, len(some))}")


if __name__ == "__main__":
    main()
