#!/usr/bin/env python3
"""Writes hal/src/printer/codepage/tables.rs from the code pages that Python knows.

Run from the root of the repository:  python3 hal/tests/outside/codepages.py > hal/src/printer/codepage/tables.rs
Pages written from right to left (CP862, CP864, 1255, 1256) and with combining marks (1258) are left out on purpose:
a printer does neither reordering nor stacking, so such text goes to the raster shaper.
"""

PAGES = [
    ("CP437", "cp437"), ("CP737", "cp737"), ("CP775", "cp775"), ("CP850", "cp850"), ("CP852", "cp852"),
    ("CP855", "cp855"), ("CP857", "cp857"), ("CP858", "cp858"), ("CP860", "cp860"), ("CP863", "cp863"),
    ("CP865", "cp865"), ("CP866", "cp866"), ("CP1250", "cp1250"), ("CP1251", "cp1251"), ("CP1252", "cp1252"),
    ("CP1253", "cp1253"), ("CP1254", "cp1254"), ("CP1257", "cp1257"), ("ISO8859_2", "iso8859_2"),
    ("ISO8859_7", "iso8859_7"), ("ISO8859_15", "iso8859_15"),
]


def high_half(codec):
    for byte in range(0x80, 0x100):
        try:
            char = bytes([byte]).decode(codec)
        except UnicodeDecodeError:
            char = "\ufffd"
        # C1 controls, the no-break space and the soft hyphen print differently from model to model.
        yield "\ufffd" if ord(char) < 0xA1 or char == "\u00ad" else char


def main():
    print("//! Upper halves (bytes 80 to FF) of the single-byte code pages that receipt printers have.")
    print("//!")
    print("//! Written by `hal/tests/outside/codepages.py`; U+FFFD marks a byte that is not used.")
    for name, codec in PAGES:
        chars = list(high_half(codec))
        print(f'\npub(super) const {name}: &str = "\\')
        for row in range(0, 128, 32):
            text = "".join("\\u{fffd}" if c == "\ufffd" else c for c in chars[row : row + 32])
            print(f"    {text}" + ('";' if row == 96 else "\\"))


main()
