#!/usr/bin/env python3
"""Encodes the receipt given as JSON on standard input with python-escpos and prints how long it takes.

    escpos_receipt.py RUNS < receipt.json    -> {"version": …, "bytes": …, "us": [… one per run …]}

The profile is made once, as a till would keep it; each run encodes the whole receipt.
"""

import json
import sys
import time
from importlib.metadata import version

from escpos.printer import Dummy

# Columns of the TM-T88V by style; "small" is font B.
COLUMNS = {"normal": 42, "small": 56, "strong": 42, "large": 21, "huge": 7}
ALIGN = {"start": "left", "center": "center", "end": "right"}


def style(printer, name, align):
    printer.set(
        align=ALIGN[align],
        font="b" if name == "small" else "a",
        bold=name in ("strong", "large", "huge"),
        normal_textsize=name in ("normal", "small", "strong"),
        double_width=name == "large",
        double_height=name == "large",
        custom_size=name == "huge",
        width=6 if name == "huge" else None,
        height=6 if name == "huge" else None,
    )


def encode(printer, parts):
    printer.hw("INIT")
    for part in parts:
        kind = part["kind"]
        if kind == "line":
            style(printer, part["style"], part["align"])
            printer.text(part["text"] + "\n")
        elif kind == "columns":
            style(printer, part["style"], "start")
            room = COLUMNS[part["style"]] - len(part["right"])
            printer.text(f"{part['left']:<{room}}{part['right']}\n")
        elif kind == "rule":
            style(printer, "normal", "start")
            printer.text("-" * COLUMNS["normal"] + "\n")
        elif kind == "space":
            printer.ln(part["lines"])
        elif kind == "qr":
            style(printer, "normal", "center")
            printer.qr(part["text"], native=True, size=6, ec=1)
        elif kind == "barcode":
            style(printer, "normal", "center")
            printer.barcode("{B" + part["text"], "CODE128", height=80, width=2, pos="BELOW", font="A", function_type="B")
    printer.cut(mode="PART")


def main():
    runs, parts = int(sys.argv[1]), json.load(sys.stdin)
    printer = Dummy(profile="TM-T88V")
    times = []
    for _ in range(runs):
        printer.clear()
        begun = time.perf_counter()
        encode(printer, parts)
        times.append((time.perf_counter() - begun) * 1e6)
    print(json.dumps({"version": version("python-escpos"), "bytes": len(printer.output), "us": times}))


main()
