"""What an archive of many volumes would take, from figures measured on small ones. Arithmetic, no measurement.

    python -m benchmarks.scaling [--volumes 100000000] [--sites 20] ...

Every input has a name and a source; each can be given another value. docs/scaling.md holds what it prints.
"""

from __future__ import annotations

import argparse

MEASURED: dict[str, tuple[float, str]] = {
    "volumes_a_study": (117 / 24, "demonstration archive: 117 volumes in 24 studies (docs/disk-and-memory.md)"),
    "files_a_study": (2478 / 24, "the same: 2,478 files"),
    "bytes_a_file": (2200, "its header's row (docs/disk-and-memory.md)"),
    "bytes_a_volume": (44000, "regions 25, thumbnail 15, vectors 4 kB (docs/disk-and-memory.md)"),
    "bytes_a_report": (7000, "docs/disk-and-memory.md"),
    "memory_a_vector": (105, "at 1,000,000 vectors of 512 numbers (benchmarks/search.py)"),
    "build_a_vector": (1700, "bytes on disk, of 512 numbers (docs/disk-and-memory.md)"),
    "seconds_a_volume": (0.19, "256 x 256 x 180 to a vector, 2 cores (benchmarks/model/card.py)"),
}
ASSUMED: dict[str, tuple[float, str]] = {
    "volumes": (1e8, "the question"),
    "sites": (20, "assumed: shards of one size"),
    "replicas": (2, "assumed: of each site's database and builds"),
    "speedup_gpu": (20, "assumed, not measured: one card against two cores"),
    "bytes_a_raw_volume": (25e6, "assumed: what the archive itself holds of a volume"),
    "megabytes_a_second": (500, "assumed: an archive's reading"),
}


def table(given: dict[str, float]) -> list[tuple[str, str, str]]:
    """(what, in all, at each site)."""
    volumes, sites = given["volumes"], given["sites"]
    studies = volumes / given["volumes_a_study"]
    files = studies * given["files_a_study"]
    rows = volumes * given["bytes_a_volume"] + files * given["bytes_a_file"] + studies * given["bytes_a_report"]
    built = volumes * given["build_a_vector"]
    hours = volumes * given["seconds_a_volume"] / 3600
    reading = volumes * given["bytes_a_raw_volume"] / (given["megabytes_a_second"] * 1e6) / 3600
    numbers = {
        "studies, million": studies / 1e6,
        "files, million": files / 1e6,
        "database, TB": rows / 1e12,
        "image builds, TB": built / 1e12,
        "both, with replicas, TB": (rows + built) * given["replicas"] / 1e12,
        "memory of image builds, GB": volumes * given["memory_a_vector"] / 1e9,
        "encoding, hours of two cores": hours,
        "encoding, hours of a card": hours / given["speedup_gpu"],
        "reading the archive, hours of one stream": reading,
    }
    return [(what, f"{number:,.1f}", f"{number / sites:,.2f}") for what, number in numbers.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    inputs = {**MEASURED, **ASSUMED}
    for name, (value, source) in inputs.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value, help=source)
    given = vars(parser.parse_args())
    print("| Input | Value | From |\n|---|---|---|")
    for name, (_, source) in inputs.items():
        print(f"| {name} | {given[name]:,.4g} | {source} |")
    print("\n| What | In all | At each site |\n|---|---|---|")
    for line in table(given):
        print("| " + " | ".join(line) + " |")


if __name__ == "__main__":
    main()
