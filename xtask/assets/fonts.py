#!/usr/bin/env python3
"""Prepares the screen fonts: one file per weight, small, with tabular figures as the default.

Usage: fonts.py INTER_PACKAGE_DIR NOTO_ARABIC_PACKAGE_DIR OUT_DIR
The two package folders are the unpacked npm packages named in README.md.

Slint asks for the named family first and then for the system's fonts; other embedded families are never a
fallback, and the device has no system fonts. So Latin and Arabic are merged into one file per weight. The
second family, "Kiosk Sans Arabic", is the same glyphs with taller lines, for pages that are in Arabic.
"""

import sys
import tempfile
from pathlib import Path

from fontTools import merge, subset
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

LATIN = (
    list(range(0x20, 0x7F)) + list(range(0xA0, 0x180))      # Basic Latin, Latin-1, Extended-A
    + [0x18F, 0x192, 0x1A0, 0x1A1, 0x1AF, 0x1B0, 0x218, 0x219, 0x21A, 0x21B, 0x237, 0x259]
    + list(range(0x1CD, 0x1DD)) + list(range(0x1E80, 0x1E86)) + [0x1E9E]
    + list(range(0x1EA0, 0x1EFA))                            # Vietnamese
    + list(range(0x2C6, 0x2DE)) + list(range(0x300, 0x314)) + [0x323, 0x326, 0x327, 0x328]
)
GREEK_AND_CYRILLIC = list(range(0x370, 0x400)) + list(range(0x400, 0x460)) + [0x490, 0x491]
SIGNS = (
    list(range(0x2000, 0x206F)) + list(range(0x2070, 0x209D))  # punctuation, super- and subscripts
    + list(range(0x20A0, 0x20C1))                              # currency
    + [0x2103, 0x2109, 0x2113, 0x2116, 0x2117, 0x2120, 0x2122, 0x2126, 0x212E]
    + list(range(0x2150, 0x2160))                              # fractions
    + list(range(0x2190, 0x219A)) + [0x21A9, 0x21AA, 0x21B5, 0x21BA, 0x21BB, 0x21C4, 0x21E7]
    + [0x2202, 0x2206, 0x220F, 0x2211, 0x2212, 0x2215, 0x2219, 0x221A, 0x221E, 0x222B]
    + [0x2248, 0x2260, 0x2264, 0x2265, 0x22C5, 0x2300, 0x2318, 0x232B, 0x23CE]
    + [0x25A0, 0x25A1, 0x25B2, 0x25B3, 0x25B6, 0x25BC, 0x25C0, 0x25C6, 0x25CA, 0x25CB, 0x25CF]
    + [0x2605, 0x2606, 0x2610, 0x2611, 0x2661, 0x2665, 0x2713, 0x2717, 0x2022, 0xFFFD]
)
# Letters of Arabic, Persian and Urdu, the marks, and the ligature code points that plain text uses.
# No ASCII: Latin letters and figures inside Arabic text are meant to come from the Latin family.
ARABIC = list(range(0x600, 0x700)) + list(range(0x750, 0x780)) + [0x25CC, 0xFDF2, 0xFDFC, 0xFDFD]

# Alternate shapes (ss01, cv01 ...) would double the size and nothing on the screen can select them.
LATIN_FEATURES = ["ccmp", "locl", "calt", "case", "kern", "mark", "mkmk"]
ARABIC_FEATURES = [
    "ccmp", "locl", "init", "medi", "fina", "isol", "rlig", "liga", "calt", "rtlm", "kern", "mark", "mkmk", "curs",
]

WEIGHT_NAMES = {400: "Regular", 600: "SemiBold", 700: "Bold"}

# Ascent and descent in thousandths of an em. Inter's own, and 15 % more line for Arabic, most of it below:
# its final letters reach about 0.4 em under the line.
LINE_METRICS = {"Kiosk Sans": (969, 241), "Kiosk Sans Arabic": (1000, 392)}


def freeze_tabular_figures(font):
    """Points the ten digits at their fixed-width shapes, so that sums line up without a feature switch.

    Only the digits: the fixed-width point and space would open gaps in running text.
    """
    cmap_names = dict(font.getBestCmap())  # a copy: subtables may share one dictionary
    widths = {font["hmtx"][cmap_names[d] + ".tf"][0] for d in range(0x30, 0x3A)}
    if len(widths) != 1:
        raise SystemExit(f"the .tf digits differ in width: {widths}")
    for table in font["cmap"].tables:
        if not table.isUnicode():
            continue
        for digit in range(0x30, 0x3A):
            table.cmap[digit] = cmap_names[digit].removesuffix(".tf") + ".tf"


def rename(font, family, weight):
    """A modified font gets its own family name, as the spirit of the licence and the trademark notes ask.

    The family stands in names 1 and 16 alike, the style in 2 and 17: every matcher finds one family and tells
    the weights apart by OS/2, whichever pair it reads.
    """
    style = WEIGHT_NAMES[weight]
    names = font["name"]
    version = names.getDebugName(5)
    for name_id in {n.nameID for n in names.names} - {13, 14}:
        names.removeNames(nameID=name_id)
    postscript = family.replace(" ", "") + "-" + style
    values = {
        0: "Copyright 2016 The Inter Project Authors (https://github.com/rsms/inter); "
        "Copyright 2022 The Noto Project Authors (https://github.com/notofonts/arabic)",
        1: family,
        2: style,
        3: f"{postscript};kioskd",
        4: f"{family} {style}",
        5: f"{version}; subset for kioskd",
        6: postscript,
        7: "Inter is a trademark of rsms. Noto is a trademark of Google LLC.",
        10: "Latin, Greek and Cyrillic from Inter, Arabic from Noto Sans Arabic; subset, merged, tabular figures.",
        16: family,
        17: style,
    }
    for name_id, value in values.items():
        names.setName(value, name_id, 3, 1, 0x409)
    font["OS/2"].usWeightClass = weight
    bold = weight == 700
    font["OS/2"].fsSelection = (font["OS/2"].fsSelection & ~0x61) | (0x20 if bold else 0x40 if weight == 400 else 0)
    font["head"].macStyle = 1 if bold else 0


def set_line_metrics(font, ascent, descent):
    units = font["head"].unitsPerEm
    ascent, descent = round(ascent * units / 1000), round(descent * units / 1000)
    font["hhea"].ascent, font["hhea"].descent, font["hhea"].lineGap = ascent, -descent, 0
    os2 = font["OS/2"]
    os2.sTypoAscender, os2.sTypoDescender, os2.sTypoLineGap = ascent, -descent, 0
    os2.usWinAscent, os2.usWinDescent = ascent, descent
    os2.fsSelection |= 1 << 7  # the typographic values are meant


def cut(font, unicodes, features):
    options = subset.Options()
    options.layout_features = features
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.glyph_names = True  # the merge needs them, the saved font does not
    options.hinting = False  # the renderer draws unhinted outlines
    options.drop_tables += ["DSIG", "meta"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=unicodes)
    subsetter.subset(font)


def merged(inter_path, arabic_path):
    latin, arabic = TTFont(inter_path), TTFont(arabic_path)
    freeze_tabular_figures(latin)
    cut(latin, sorted(set(LATIN + GREEK_AND_CYRILLIC + SIGNS)), LATIN_FEATURES)
    scale_upem(arabic, latin["head"].unitsPerEm)
    cut(arabic, sorted(set(ARABIC) - set(latin.getBestCmap())), ARABIC_FEATURES)
    with tempfile.TemporaryDirectory() as folder:
        parts = [str(Path(folder) / "latin.ttf"), str(Path(folder) / "arabic.ttf")]
        latin.save(parts[0])
        arabic.save(parts[1])
        return merge.Merger().merge(parts)


def main():
    inter, arabic, out = (Path(a) for a in sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    for weight, name in WEIGHT_NAMES.items():
        inter_path = inter / f"{weight}{name}" / f"Inter_{weight}{name}.ttf"
        arabic_path = arabic / f"{weight}{name}" / f"NotoSansArabic_{weight}{name}.ttf"
        created = TTFont(inter_path)["head"].modified
        for family, line in LINE_METRICS.items():
            font = merged(inter_path, arabic_path)
            rename(font, family, weight)
            set_line_metrics(font, *line)
            font["post"].formatType = 3.0
            # Repeatable builds: the time stamps are those of the source font.
            font.recalcTimestamp = False
            font["head"].created = font["head"].modified = created
            path = out / f"{family.replace(' ', '')}-{name}.ttf"
            font.save(path)
            print(f"{path.name}: {path.stat().st_size // 1024} KiB, {len(font.getGlyphOrder())} glyphs")


if __name__ == "__main__":
    main()
