#!/usr/bin/env python3
"""Writes hal/src/scanner/gs1/table.rs from the GS1 Barcode Syntax Dictionary (gs1/gs1-syntax-dictionary).

Run from the root of the repository:
    python3 hal/tests/outside/gs1_table.py gs1-syntax-dictionary.txt > hal/src/scanner/gs1/table.rs
"""

import re
import sys

HEADER = """//! GS1 application identifiers and the format of their values.
//!
//! Written by `hal/tests/outside/gs1_table.py` from the GS1 Barcode Syntax Dictionary:
//! copyright 2020-2021 BWIPP project and Zint Project, 2021-2025 GS1 AISBL; Apache License 2.0.

use super::format::{Format, Length, n, x, y, z};

/// In ascending order of `from`; no identifier is the start of another.
pub(super) const TABLE: &[Format] = &["""


def part(spec):
    optional = spec.startswith("[")
    spec, *checks = spec.replace("[", "").replace("]", "").split(",")
    kind, dots, length = re.fullmatch(r"([NXYZ])(\.\.)?(\d+)", spec).groups()
    shortest = 1 if dots else int(length)
    text = f"{kind.lower()}({shortest}, {length})"
    if "csum" in checks:
        text += ".checked()"
    if optional:
        text += ".optional()"
    return text


def main():
    print(HEADER)
    for line in open(sys.argv[1], encoding="utf-8"):
        line = line.split("#")[0].rstrip()
        if not line:
            continue
        words = line.split()
        ids, rest = words[0], words[1:]
        flags = rest.pop(0) if re.fullmatch(r"[*?]+", rest[0]) else ""
        parts = [part(word) for word in rest if re.match(r"\[?[NXYZ](\.\.)?\d", word)]
        first, _, last = ids.partition("-")
        length = "Predefined" if "*" in flags else "Separated"
        print(f'    Format::new("{first}", "{last or first}", Length::{length}, &[{", ".join(parts)}]),')
    print("];")


main()
