#!/usr/bin/env python3
"""Makes the food pictures of the demo catalog as small single SVG files.

Usage: pictures.py OWN_ART_DIR FLUENT_PACKAGE_DIR OUT_DIR

Three sources: art drawn for this product (copied), new dishes put together from its layers, and emoji of the
Fluent set, brought into the same warm light. Every dish stands on the lower edge of its box, 32 units wide.
"""

import colorsys
import io
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import resvg_py
from PIL import Image, ImageChops, ImageStat

import drawn

SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", SVG)
WIDTH_PX = 640  # natural size written into the file; viewers without a size of their own use it

OWN = """b-blue b-chicken b-classic b-double b-falafel b-mushroom b-rye b-rye-double b-rye-egg cola coldbrew cup
icedtea lemonade rhubarb water mushroom-slices onion-rings""".split()

# Colours that the common rule would grey or leave cold: (from hue, to hue, new hue, saturation x, lightness x).
FLUENT = {
    "french-fries": [], "sweet-potato-fries": [(40, 62, 22, 0.95, 0.92), (330, 360, 88, 0.42, 0.86), (0, 12, 88, 0.42, 0.86)],
    "pretzel": [], "ear-of-corn": [], "fried-shrimp": [], "pot-of-food": [], "croissant": [],
    "doughnut": [(322, 360, 26, 0.75, 1.0), (0, 16, 24, 0.75, 1.0)], "cookie": [(340, 360, 18, 0.8, 1.0)],
    "cupcake": [(188, 250, 28, 0.45, 0.95), (280, 360, 356, 0.7, 1.04)], "shortcake": [], "pie": [],
    "soft-ice-cream": [], "waffle": [], "pancakes": [], "chocolate-bar": [], "popcorn": [], "teapot": [],
    "cheese-wedge": [], "cooking": [], "avocado": [], "bacon": [], "hot-pepper": [], "egg": [], "tomato": [],
    "onion": [], "cucumber": [], "leafy-green": [], "lemon": [], "butter": [], "honey-pot": [], "strawberry": [],
    "peanuts": [], "chestnut": [], "glass-of-milk": [], "herb": [], "bread": [],
}
# Dishes whose size is read against their neighbours keep the box of those: a small cup must look small.
CUP_BOX, GLASS_BOX, BURGER_BOX = (5, 26.5), (0, 32), (0, 24.5)  # top and height
BOXES = {name: CUP_BOX for name in ("cappuccino", "chai", "espresso", "filter-coffee", "hot-chocolate", "matcha")}
BOXES |= {name: GLASS_BOX for name in ("iced-latte", "latte", "orange-juice")} | {"b-little": BURGER_BOX}
SOURCE_NAMES = {"sweet-potato-fries": "french-fries"}

HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
# Every number is matched, short ones too: in path data ".5.123" is two numbers, and only reading from the left tells.
NUMBER = re.compile(r"-?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")
NUMERIC = re.compile(
    r'(?<= )(d|x|y|x1|x2|y1|y2|cx|cy|r|rx|ry|fx|fy|width|height|offset|transform|gradientTransform|dx|dy'
    r'|stdDeviation|stroke-width|viewBox|values)="([^"]*)"'
)
DECIMALS = {"gradientTransform": 5, "transform": 5, "values": 4}


def warm(red, green, blue, shifts):
    """One colour in the light of the kiosk: lavender greys turn warm, magentas turn to tomato red."""
    hue, light, saturation = colorsys.rgb_to_hls(red, green, blue)
    hue *= 360
    if saturation < 0.01:
        return red, green, blue
    for start, end, to, times_saturation, times_light in shifts:
        if start <= hue <= end:
            return colorsys.hls_to_rgb(to / 360, min(1, light * times_light), min(1, saturation * times_saturation))
    if 225 <= hue < 322:
        return colorsys.hls_to_rgb(30 / 360, light, saturation * 0.42)
    if hue >= 322:
        return colorsys.hls_to_rgb(2 / 360, light, saturation * 0.84)
    return red, green, blue


def warm_svg(svg, shifts):
    def hexadecimal(match):
        text = match[1] if len(match[1]) == 6 else "".join(c * 2 for c in match[1])
        channels = (int(text[i : i + 2], 16) / 255 for i in (0, 2, 4))
        return "#" + "".join(f"{round(v * 255):02X}" for v in warm(*channels, shifts))

    def matrix(match):
        values = match[1].split()
        offsets = [float(values[i]) for i in (4, 9, 14)]
        if values[0] == "0" and max(offsets) <= 1:  # the form that paints one colour
            for i, value in zip((4, 9, 14), warm(*offsets, shifts)):
                values[i] = f"{value:.4f}"
        return 'values="' + " ".join(values) + '"'

    return re.sub(r'values="([^"]*)"', matrix, HEX.sub(hexadecimal, svg))


def rounded(value, places):
    """The attribute with its numbers rounded, and a blank wherever two would now run together."""

    def one(match):
        number = match[0]
        if "." not in number or len(number.split(".")[1]) <= places:
            return number
        out = f"{float(number):.{places}f}".rstrip("0").rstrip(".")
        out = "0" if out in ("-0", "") else out
        before, after = value[match.start() - 1 : match.start()], value[match.end() : match.end() + 1]
        glued_before = before.isdigit() or before == "."
        return (" " if glued_before and out[0] != "-" else "") + out + (" " if after in (".",) or after.isdigit() else "")

    return NUMBER.sub(one, value)


def shrink(svg):
    """Short ids and no more decimals than a poster could show."""
    ids = {name: f"i{index}" for index, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))}
    svg = re.sub(r'(\bid="|url\(#|href="#)([^")]+)', lambda m: m[1] + ids.get(m[2], m[2]), svg)
    return NUMERIC.sub(lambda m: f'{m[1]}="{rounded(m[2], DECIMALS.get(m[1], 3))}"', svg)


def rendered(svg):
    return Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=WIDTH_PX)))).convert("RGBA")


def checked(name, full, small):
    """Refuses a shrunk picture that differs visibly from the full one."""
    difference = ImageChops.difference(rendered(full), rendered(small))
    worst = sum(ImageStat.Stat(difference).mean)
    if worst > 0.5:
        raise SystemExit(f"{name}: shrinking changed the picture, mean difference {worst:.2f}")
    return small


def standing(body, box=None):
    """Puts the drawing into a box 32 units wide that ends where the dish ends, or into the given one."""
    probe = f'<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 -8 32 48" width="640" height="960">{body}</svg>'
    left, top, right, bottom = rendered(probe).getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()
    if left == 0 or right == 640:
        print("  warning: the drawing touches the side of its box")
    y = round(top / 20 - 8 - 0.1, 2)
    y, height = box or (y, round(bottom / 20 - 8 + 0.05 - y, 2))
    return (
        f'<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 {y:g} 32 {height:g}" '
        f'width="{WIDTH_PX}" height="{round(height * WIDTH_PX / 32)}">{body}</svg>\n'
    )


class Art:
    """One file of the product's own art, as a list of layers."""

    def __init__(self, path):
        root = ET.parse(path).getroot()
        defined = [e for e in root if e.tag.endswith(("Gradient", "defs"))]
        self.gradients = "".join(text(e) for e in defined)
        self.layers = [e for e in root if e not in defined]

    def pick(self, first, last, dy=0.0):
        body = "".join(text(e) for e in self.layers[first : last + 1])
        return f'<g transform="translate(0 {dy:g})">{body}</g>' if dy else body


def text(element):
    return ET.tostring(element, encoding="unicode").replace(f' xmlns="{SVG}"', "")


def used_gradients(body, *arts):
    """Only the gradients that the body points to."""
    wanted = set(re.findall(r"url\(#([^)]+)\)", body))
    found = []
    for art in arts:
        for gradient in re.findall(r"<(?:linear|radial)Gradient.*?</(?:linear|radial)Gradient>", art.gradients, re.S):
            if re.search(r'id="([^"]+)"', gradient)[1] in wanted:
                found.append(gradient)
    return "".join(found)


def burgers(own):
    """Further burgers from the layers of the drawn ones (layer numbers are positions in those files)."""
    classic, chicken, egg = (Art(own / f"{n}.svg") for n in ("b-classic", "b-chicken", "b-rye-egg"))
    layer = {"bun": (0, 1), "patty": (2, 13), "cheese": (14, 14), "seeded top": (21, 32)}
    heel, patty, cheese, seeded = (layer[k] for k in ("bun", "patty", "cheese", "seeded top"))
    bodies = {
        "b-sunrise": classic.pick(*heel, -2.1) + egg.pick(27, 33, -2.2) + chicken.pick(40, 42, 1.5),
        "b-little": '<g transform="translate(3.84 5.74) scale(.76)">' + classic.pick(*heel) + classic.pick(*patty)
        + classic.pick(*cheese) + chicken.pick(40, 42, 3.6) + "</g>",
        "b-fish": chicken.pick(0, 3) + chicken.pick(4, 29) + classic.pick(*cheese, -2.9) + classic.pick(*seeded, 0.9),
    }
    return {name: used_gradients(b, classic, chicken, egg) + b for name, b in bodies.items()}


def fluent_body(icons, name):
    shifts = FLUENT.get(name, [])
    return warm_svg(icons[SOURCE_NAMES.get(name, name)]["body"], shifts)


def salads(icons):
    """Other salads: toppings laid into the emoji's bowl, behind or before its front leaves."""
    root = ET.fromstring(
        f'<svg xmlns="{SVG}" xmlns:xlink="http://www.w3.org/1999/xlink">{fluent_body(icons, "green-salad")}</svg>'
    )
    group = root[0]
    parts = [text(e) for e in group if not e.tag.endswith("}defs")]
    defs = "".join(text(e) for e in group if e.tag.endswith("}defs"))
    falafel = fluent_body(icons, "falafel")
    shrimp = fluent_body(icons, "shrimp")
    dishes = drawn.salads(parts, falafel, shrimp)
    return {name: f'<g fill="none">{body}{defs}</g>' for name, body in dishes.items()}


def main():
    own, package, out = (Path(a) for a in sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    icons = json.loads((package / "icons.json").read_text())["icons"]
    pictures = {}
    for name in OWN:
        source = (own / f"{name}.svg").read_text().strip() + "\n"
        (out / f"{name}.svg").write_text(checked(name, source, shrink(source)))
    pictures |= burgers(own)
    pictures |= drawn.cups((own / "cup.svg").read_text())
    pictures |= drawn.glasses((own / "lemonade.svg").read_text(), (own / "coldbrew.svg").read_text())
    pictures |= drawn.bottles()
    pictures["green-salad"] = fluent_body(icons, "green-salad")
    pictures |= salads(icons)
    pictures["porridge"] = drawn.porridge(warm_svg(icons["bowl-with-spoon"]["body"], [(185, 262, 28, 0.2, 1.25)]))
    for name in FLUENT:
        pictures[name] = fluent_body(icons, name)
    for name, body in sorted(pictures.items()):
        full = standing(body, BOXES.get(name))
        (out / f"{name}.svg").write_text(checked(name, full, shrink(full)))
    sizes = [p.stat().st_size for p in out.glob("*.svg")]
    print(f"{len(sizes)} pictures, {sum(sizes) // 1024} KiB, largest {max(sizes) // 1024} KiB")


if __name__ == "__main__":
    main()
