#!/usr/bin/env python3
"""Copies the icons the screens use out of the Tabler package and adds the allergen signs it lacks.

Usage: icons.py TABLER_PACKAGE_DIR OUT_DIR

Strokes become black: the pictures serve as alpha masks and the screen gives them their colour.
"""

import re
import sys
from pathlib import Path

NAMES = """
accessible adjustments alert-circle alert-triangle apple armchair arrow-back-up arrow-bar-down arrow-bar-to-down arrow-down arrow-left
arrow-right arrow-up baby-carriage backspace ban barcode basket battery-2 bell bluetooth bolt bottle bread brightness
brightness-up building-store cake calendar camera cash cash-banknote check chevron-down chevron-left chevron-right chevron-up circle
circle-check circle-dot circle-minus circle-plus circle-x clock cloud clipboard-check cloud-check cloud-off coffee coin contrast
contrast-2 cookie cpu credit-card credit-card-off cup database device-desktop device-floppy device-mobile
discount download droplet ear egg egg-cracked eye eye-off file-text filter fish flame flower focus-2 gift
glass-full grain hand-finger hand-stop headphones heart help-circle history home hourglass ice-cream id info-circle
key keyboard language leaf list lock lock-open login logout map-pin meat microphone microphone-off milk minus
moneybag mood-smile moon mushroom music network nut package paper-bag pencil phone photo-off plant plant-2
player-pause player-play player-stop plug plug-off plus point power printer printer-off qrcode question-mark
receipt receipt-2 receipt-off receipt-refund refresh rotate salad scale scan search seedling send server settings
shield-check shield-lock shopping-bag shopping-cart snowflake soup sparkles speakerphone square star sun
tag temperature text-size thumb-up ticket tool tools-kitchen-2 trash truck upload usb user user-check users
versions volume volume-off wallet wheat wifi wifi-off world world-off x zoom-in
""".split()

# Our own drawings in Tabler's manner (24 units, stroke 2, round caps), for what the set does not have.
DRAWN = {
    "allergen-celery": [
        "M8 21c.3 -4.500 0 -8 -2 -12", "M12 21v-13", "M16 21c-.3 -4.500 0 -8 2 -12", "M8 21h8",
        "M6 9c-1.800 -.6 -2.700 -2.200 -2.500 -4c1.800 .2 3 1.800 2.500 4", "M18 9c1.800 -.6 2.700 -2.200 2.500 -4c-1.800 .2 -3 1.800 -2.500 4",
        "M12 8c-2 -1.200 -2.200 -3.600 0 -5c2.200 1.400 2 3.800 0 5",
    ],
    "allergen-crustaceans": [
        "M19 6c-1.600 -1.500 -4 -2 -6.500 -2c-4.700 0 -8.500 3.600 -8.500 8.200c0 4.500 3.400 7.800 7.700 7.800c1.500 0 2.800 -.3 4 -.9"
        "l-.2 -4c-.9 .7 -2 1.100 -3.200 1.100c-2.400 0 -4.200 -1.700 -4.200 -3.900c0 -2.300 2 -4.200 4.600 -4.200c2.600 0 5 -.3 6.300 -2.100z",
        "M5.200 8.500l3.800 1.800", "M4.400 15l4 -1.300", "M9.500 19.600l1 -3.700", "M15.600 19.100l3.400 .9", "M15.500 15.100l3.500 -1.600",
        "M15 6v.01", "M19 6c1 .5 1.800 1.400 2 3",
    ],
    "allergen-lupin": [
        "M12 21v-11", "M12 10c-1.900 -1.300 -2.900 -2.800 -2.900 -4.300c0 -1.200 1 -2.200 2.900 -2.700c1.900 .5 2.900 1.500 2.900 2.700c0 1.500 -1 3 -2.900 4.300",
        "M12 15c-3.400 .3 -5.700 -1.400 -6 -4.500c2.800 -.2 5 1.300 6 4.500", "M12 15c3.400 .3 5.700 -1.400 6 -4.500c-2.800 -.2 -5 1.300 -6 4.500",
        "M12 20c-3 .3 -5 -1 -5.500 -3.500", "M12 20c3 .3 5 -1 5.500 -3.500",
    ],
    "allergen-molluscs": [
        "M12 20c-1.500 0 -2.500 -.5 -3 -1.500c-3.600 -1.500 -6 -4.700 -6 -8c1.200 -4 4.700 -6.500 9 -6.500s7.800 2.500 9 6.500c0 3.300 -2.400 6.500 -6 8"
        "c-.5 1 -1.500 1.500 -3 1.500z",
        "M12 16v-12", "M9.500 16l-4 -9", "M14.500 16l4 -9",
    ],
    "allergen-mustard": [
        "M9 10h6l1 3v7a1 1 0 0 1 -1 1h-6a1 1 0 0 1 -1 -1v-7z", "M9.500 10v-3h5v3", "M12 7l.6 -4", "M8 16h8",
    ],
    "allergen-peanuts": [
        "M14.500 3.600c2.600 -1.300 5.900 1.300 5.900 4.900c0 3 -2.200 4 -3.600 5.400c-1.300 1.400 -1.500 3.100 -2.900 4.800c-2.100 2.600 -6.300 2.700 -8.600 .4"
        "c-2.300 -2.300 -2.200 -6.500 .4 -8.600c1.700 -1.400 3.400 -1.600 4.800 -2.900c1.400 -1.400 1.600 -2.900 4 -4z",
        "M9 13.500v.01", "M12 15v.01", "M8.500 17v.01", "M15 7.500v.01", "M16.500 10v.01",
    ],
    "allergen-soy": [
        "M20 4c1 4.500 0 9 -3.500 12.500s-8 4.500 -12.500 3.500c-1 -4.500 0 -9 3.500 -12.500s8 -4.500 12.500 -3.500z",
        "M15.600 8.400m-1.600 0a1.600 1.600 0 1 0 3.200 0a1.600 1.600 0 1 0 -3.200 0",
        "M12 12m-1.600 0a1.600 1.600 0 1 0 3.200 0a1.600 1.600 0 1 0 -3.200 0",
        "M8.400 15.600m-1.600 0a1.600 1.600 0 1 0 3.200 0a1.600 1.600 0 1 0 -3.200 0", "M20 4l1 -1",
    ],
    "allergen-sulphites": [
        "M8 3h8l1 6a5 5 0 0 1 -10 0z", "M12 14v7", "M8 21h8", "M7.300 8h9.400",
    ],
    "allergen-nuts": [
        "M4.500 10.500c0 5.500 4 9 7.500 10.500c3.500 -1.500 7.500 -5 7.500 -10.500", "M3.500 10.500c0 -4 4 -6.500 8.500 -6.500s8.500 2.500 8.500 6.500z",
        "M12 4c0 -1 .4 -1.600 1 -2", "M8.500 7.300v.01", "M12 6.800v.01", "M15.500 7.300v.01",
    ],
    "contactless": ["M8.500 9.500a4.500 4.500 0 0 1 0 5", "M12 7a8.500 8.500 0 0 1 0 10", "M15.500 4.500a12.500 12.500 0 0 1 0 15"],
}
# The other signs of the 14 allergens of EU Regulation 1169/2011 are Tabler's; the names are those of the catalog.
ALLERGEN_ALIASES = {
    "allergen-gluten": "wheat", "allergen-egg": "egg", "allergen-fish": "fish", "allergen-milk": "milk",
    "allergen-sesame": "grain",
}

HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" fill="none" '
        'stroke="#000" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">')


def tidy(source):
    body = re.search(r"<svg[^>]*>(.*)</svg>", source, re.S).group(1)
    body = re.sub(r'\s*<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "", body)
    body = body.replace("currentColor", "#000")
    return HEAD + "".join(line.strip() for line in body.splitlines()) + "</svg>\n"


def main():
    outline, out = Path(sys.argv[1]) / "icons" / "outline", Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    missing = [n for n in NAMES if not (outline / f"{n}.svg").exists()]
    if missing:
        raise SystemExit(f"the package has no icon named: {' '.join(missing)}")
    for name in NAMES:
        (out / f"{name}.svg").write_text(tidy((outline / f"{name}.svg").read_text()))
    for alias, name in ALLERGEN_ALIASES.items():
        (out / f"{alias}.svg").write_text(tidy((outline / f"{name}.svg").read_text()))
    for name, paths in DRAWN.items():
        (out / f"{name}.svg").write_text(HEAD + "".join(f'<path d="{d}" />' for d in paths) + "</svg>\n")
    print(f"{len(list(out.glob('*.svg')))} icons")


if __name__ == "__main__":
    main()
