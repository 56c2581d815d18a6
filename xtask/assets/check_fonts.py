#!/usr/bin/env python3
"""Shapes sample words with the source fonts and the prepared ones and fails where they differ.

Usage: check_fonts.py INTER_PACKAGE_DIR NOTO_ARABIC_PACKAGE_DIR FONTS_DIR
"""

import sys
from pathlib import Path

import uharfbuzz as hb

WEIGHT_NAMES = {400: "Regular", 600: "SemiBold", 700: "Bold"}
ARABIC_UNITS = 2048 / 1000  # Noto has 1000 units to the em, the merged font 2048
ARABIC = "البرغر لحمٌ يُحضَّرُ عند الطلب، وخبز طازج من فرننا لا إلا پیتزا گچژ القهوة مراجعة لَا لأ لإ لآ ٠١٢٣".split()
LATIN = ["Alder & Rye", "AVATAR To", "Škoda Žluť", "Größe naïve œuvre", "“Hi” — don’t", "Ελληνικά Кириллица", "Đặng Việt", "€£ ×−✓"]


def shaped(path, words):
    font = hb.Font(hb.Face(Path(path).read_bytes()))
    buffer = hb.Buffer()
    buffer.add_str(words)
    buffer.guess_segment_properties()
    hb.shape(font, buffer, {})
    glyphs = [i.codepoint for i in buffer.glyph_infos]
    return glyphs, [(p.x_advance, p.x_offset, p.y_offset) for p in buffer.glyph_positions]


def main():
    inter, arabic, fonts = (Path(a) for a in sys.argv[1:4])
    failures = 0
    for weight, name in WEIGHT_NAMES.items():
        sources = (
            (arabic / f"{weight}{name}" / f"NotoSansArabic_{weight}{name}.ttf", ARABIC, ARABIC_UNITS),
            (inter / f"{weight}{name}" / f"Inter_{weight}{name}.ttf", LATIN, 1),
        )
        for family in ("KioskSans", "KioskSansArabic"):
            target = fonts / f"{family}-{name}.ttf"
            for source, samples, scale in sources:
                for words in samples:
                    _, before = shaped(source, words)
                    glyphs, after = shaped(target, words)
                    close = len(before) == len(after) and all(
                        abs(a * scale - b) <= 2 for p, q in zip(before, after) for a, b in zip(p, q)
                    )
                    if not close or 0 in glyphs:
                        failures += 1
                        print(f"{target.name}: {words!r} is shaped differently")
            widths = {advance for advance, _, _ in shaped(target, "0123456789")[1]}
            if len(widths) != 1:
                failures += 1
                print(f"{target.name}: figures are not tabular: {widths}")
    sys.exit(f"{failures} differences" if failures else 0)


if __name__ == "__main__":
    main()
