"""The script that an export carries to copy a cohort's files: it needs Python alone."""

SCRIPT = '''#!/usr/bin/env python3
"""Copy the files of this cohort: DEST/study UID/series UID/name. What is there already, whole, is not copied again.

    python3 copy_files.py DEST [--link] [--dry-run]
"""

import argparse
import csv
import os
import shutil
import sys
from pathlib import Path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--link", action="store_true", help="symbolic links instead of copies")
    parser.add_argument("--dry-run", action="store_true", help="say what would be copied, and how much")
    given = parser.parse_args()
    listed = Path(__file__).resolve().parent / "files.csv"
    with listed.open(newline="", encoding="utf-8", errors="surrogateescape") as file:  # a name may be no UTF-8
        rows = list(csv.DictReader(file))
    total = sum(int(row["bytes"]) for row in rows)
    print(f"{len(rows)} files, {total / 1e6:.1f} MB")
    if given.dry_run:
        return 0
    failed, used = 0, {}
    for number, row in enumerate(rows, start=1):
        source = Path(row["path"])
        folder = given.dest / safe(row["study_uid"]) / safe(row["series_uid"])
        target = folder / source.name
        if used.setdefault(target, source) != source:
            target = folder / f"{number}-{source.name}"
        try:
            put(source, target, int(row["bytes"]), given.link)
        except OSError as error:
            failed += 1
            print(f"not copied: {source} ({error.strerror})", file=sys.stderr)
        if number % 500 == 0:
            print(f"{number} of {len(rows)}", flush=True)
    print(f"{len(rows) - failed} of {len(rows)} files in {given.dest}")
    return 1 if failed else 0


def safe(name):
    kept = "".join(char if char.isalnum() or char in "._-" else "_" for char in name)
    return kept if kept.strip(".") else "_"


def put(source, target, size, link):
    if target.is_symlink() or (target.exists() and target.stat().st_size == size):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        target.symlink_to(source)
        return
    with source.open("rb") as there:
        if there.read(14) == b"SPINECHO: away":
            raise OSError(0, "its bytes stay at the PACS that it came from: look at the series, and try again")
    partial = target.with_name(target.name + ".partial")
    shutil.copyfile(source, partial)
    with partial.open("rb+") as copied:
        os.fsync(copied.fileno())  # the script runs alone, so that nothing of Spinecho's can be imported
    os.replace(partial, target)


if __name__ == "__main__":
    sys.exit(main())
'''
