#!/usr/bin/env python3
"""Writes src/printer/data/font-*.hex from the PCF bitmaps of Debian's package xfonts-terminus (SIL OFL 1.1).

Needs freetype-py. Run by hand: sim/scripts/fonts.py DIR_WITH_PCF_GZ sim/src/printer/data
Each line is a code point and the rows of its bitmap from top to bottom, in hexadecimal. Only characters that some
code page of the printer can reach are kept. The Reserved Font Name stays behind: the results are called "receipt".
"""

import gzip
import io
import pathlib
import sys

import freetype

# The bold cuts: their two-dot strokes look like a thermal head's ordinary weight.
SOURCES = {"font-a": ("ter-u24b", 12, 24), "font-b": ("ter-u16b", 8, 16)}


def reachable(data_dir):
    chars = set(range(0x20, 0x7F)) | {ord(c) for c in "£¤¥§°¿¡₧₩ÄÖÜÅÆØÉÑäöüßåæøéñàçùèìòáíóú¨"}
    for line in (data_dir / "codepages.txt").read_text().splitlines():
        if line and not line.startswith(("#", "page")):
            chars |= {int(word, 16) for word in line.split()}
    return sorted(chars)


def rows(face, code, width, height):
    face.load_char(chr(code), freetype.FT_LOAD_RENDER | freetype.FT_LOAD_MONOCHROME | freetype.FT_LOAD_TARGET_MONO)
    bitmap = face.glyph.bitmap
    top = (face.size.ascender >> 6) - face.glyph.bitmap_top
    out = [0] * height
    for y in range(bitmap.rows):
        bits = int.from_bytes(bytes(bitmap.buffer[y * bitmap.pitch : (y + 1) * bitmap.pitch]), "big")
        bits >>= bitmap.pitch * 8 - bitmap.width
        out[top + y] = bits << (width - bitmap.width - face.glyph.bitmap_left)
    return out


def main():
    source_dir, data_dir = map(pathlib.Path, sys.argv[1:])
    for name, (source, width, height) in SOURCES.items():
        face = freetype.Face(io.BytesIO(gzip.open(source_dir / f"{source}_unicode.pcf.gz").read()))
        face.select_size(0)
        digits = width // 4
        lines = [f"# {width}x{height}, derived from an OFL-1.1 font, see LICENSE-fonts.txt"]
        for code in reachable(data_dir):
            if code != 0xFFFD and face.get_char_index(code):
                lines.append(f"{code:04X} " + "".join(f"{row:0{digits}X}" for row in rows(face, code, width, height)))
        (data_dir / f"{name}.hex").write_text("\n".join(lines) + "\n")


main()
