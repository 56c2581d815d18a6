"""Dishes drawn for the demo catalog beyond the art that came with the look: cups, glasses, bottles, toppings.

All in the same hand: 32 units wide, light from the upper left, no outlines.
"""

import re


def inner(svg):
    return re.search(r"<svg[^>]*>(.*)</svg>", svg, re.S)[1]


def swap(svg, colours):
    for old, new in colours.items():
        assert old in svg, f"{old} is not in the drawing"
        svg = svg.replace(old, new)
    return svg


COFFEE_RING, COFFEE_TOP, COFFEE_HEART = "#8B5A38", "#C08B5C", "#F8E9D2"
HEART = re.compile(r'<path d="M14\.250? 11\.200?c[^>]*/>')


def cups(cup_svg):
    """The house cup with what is in it changed."""
    cup = inner(cup_svg)
    assert HEART.search(cup), "the cup has its heart"

    def filled(ring, top, on_top=None):
        body = swap(cup, {COFFEE_RING: ring, COFFEE_TOP: top})
        return body if on_top is None else HEART.sub(on_top, body)

    cream = (
        '<g fill="#FFFDF8"><ellipse cx="11.4" cy="9.3" rx="3.4" ry="1.7"/><ellipse cx="16.9" cy="9.3" rx="3.5" ry="1.7"/>'
        '<ellipse cx="14.1" cy="8" rx="3.6" ry="1.9"/><ellipse cx="14.3" cy="6.8" rx="1.9" ry="1.1"/></g>'
        '<g fill="#EADBC4"><ellipse cx="12.6" cy="9.9" rx="2" ry=".5"/><ellipse cx="17.2" cy="10" rx="2" ry=".5"/></g>'
        '<path d="M11 7.600l1.200 .5M15.600 6.900l1.100 .6M17.400 8.600l1.200 .3M13.300 8.800l1 .4" stroke="#7A4A2E" '
        'stroke-width=".5" stroke-linecap="round"/>'
    )
    cinnamon = (
        '<g transform="rotate(-18 16 8)"><rect x="11.400" y="8.200" width="11.500" height="1.500" rx=".75" fill="#8A4B22"/>'
        '<path d="M12.200 8.700h9.800" stroke="#B9773F" stroke-width=".35" stroke-linecap="round"/></g>'
    )
    gleam = '<path d="M8.400 9.500c1-.8 2.800-1.200 4.600-1.300" stroke="#fff" stroke-width=".4" stroke-linecap="round" fill="none" opacity=".4"/>'
    cocoa = (
        '<path d="M14.250 11.100c-2.800-.5-4.600-1-4.300-1.700.3-.7 2.700-.9 4.300-.1 1.600-.8 4-.6 4.300.1.3.7-1.500 1.200-4.300 1.700z" fill="#A86F45"/>'
        '<g fill="#8A5530"><circle cx="9" cy="9.800" r=".22"/><circle cx="19.400" cy="9.600" r=".22"/><circle cx="17.600" cy="8.700" r=".2"/>'
        '<circle cx="11.200" cy="8.700" r=".2"/><circle cx="18.600" cy="10.400" r=".18"/></g>'
    )
    small = filled("#2C170D", "#6B3B20", gleam)
    return {
        "espresso": f'<g transform="translate(4.400 7.900) scale(.74)">{small}</g>',
        "filter-coffee": filled("#24130B", "#3A2114", gleam),
        "cappuccino": filled("#B98556", "#FBF0DC", cocoa),
        "hot-chocolate": filled("#4A2818", "#6B3F27", cream),
        "matcha": filled("#5F8A3A", "#92B85C", HEART.search(cup)[0].replace(COFFEE_HEART, "#E9F2D0")),
        "chai": filled("#B07A45", "#DDB27E", cinnamon),
    }


def glasses(lemonade_svg, coldbrew_svg):
    """The house glass with what is in it changed."""
    lemonade, coldbrew = inner(lemonade_svg), inner(coldbrew_svg)
    orange = swap(lemonade, {
        "#F6D23C": "#F0891E", "#FFF3B0": "#FFC871", "#FFF0A6": "#FFCB6B", "#FFE06B": "#FFA733", "#F2C53D": "#E8830F",
        "#FFF6C9": "#FFDCA0",
    })
    gradient = re.search(r"<linearGradient.*?</linearGradient>", coldbrew, re.S)[0]
    name = re.search(r'id="([^"]+)"', gradient)[1]
    milky = (
        f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" x1="16" x2="16" y1="9" y2="30"><stop offset="0" '
        'stop-color="#7A4A2C"/><stop offset=".38" stop-color="#A87449"/><stop offset=".7" stop-color="#E4CBA8"/>'
        '<stop offset="1" stop-color="#FAF1E2"/></linearGradient>'
    )
    iced = coldbrew.replace(gradient, milky)
    # A latte has foam on top and no ice.
    hot = re.sub(r"<rect[^>]*rotate[^>]*/>", "", iced)
    hot = hot.replace('<stop offset="0" stop-color="#7A4A2C"/>', '<stop offset="0" stop-color="#FBF3E4"/><stop offset=".14" stop-color="#F4E4CB"/><stop offset=".2" stop-color="#8A5632"/>')
    surface = re.search(r'<ellipse cx="16" cy="8\.8"[^>]*fill="(#[0-9A-Fa-f]+)"', coldbrew)[1]
    hot = hot.replace(surface, "#FFFAF0")
    return {"orange-juice": orange, "iced-latte": iced.replace(surface, "#B98A5F"), "latte": hot}


MARK = (
    '<g stroke="{ink}" stroke-width=".62" stroke-linecap="round" fill="none" transform="translate(16 19) scale({scale})">'
    '<path d="M0 4v-7M0 -3.200c-1.300 -.8 -1.300 -2.200 0 -3c1.300 .8 1.300 2.200 0 3z"/>'
    '<path d="M0 .2c-1.900 .3 -3.200 -.8 -3.300 -2.800c1.900 -.2 3.200 .8 3.300 2.800c.1 -2 1.400 -3 3.300 -2.800c-.1 2 -1.400 3.100 -3.300 2.800"/>'
    '<path d="M0 3.200c-1.900 .3 -3.200 -.8 -3.300 -2.800c1.900 -.2 3.200 .8 3.300 2.800c.1 -2 1.400 -3 3.300 -2.800c-.1 2 -1.400 3.100 -3.300 2.800"/></g>'
)


def bottle(tone, glass, liquid, cap, label, ink, fill_from):
    """A bottle of the house; `liquid` and `glass` are (light, middle, dark)."""
    shape = "M13.800 0h4.400v4.600c0 3 3.600 4.200 3.600 8v17.200a2.400 2.400 0 0 1-2.400 2.400h-6.800a2.400 2.400 0 0 1-2.400-2.400V12.600c0-3.800 3.600-5 3.600-8z"
    inside = "M10.900 13c.3-2.600 2.200-3.900 3-5.800h4.200c.8 1.900 2.700 3.200 3 5.800v16.600a1.700 1.700 0 0 1-1.700 1.700h-6.800a1.700 1.700 0 0 1-1.700-1.700z"

    def gradient(kind, colours):
        stops = "".join(f'<stop offset="{o}" stop-color="{c}"/>' for o, c in zip((0, 0.5, 1), colours))
        return (
            f'<linearGradient id="{tone}{kind}" gradientUnits="userSpaceOnUse" x1="10" x2="22" y1="16" y2="16">{stops}</linearGradient>'
        )

    clip = "" if fill_from is None else f'<clipPath id="{tone}c"><path d="M8 {fill_from}h16V34H8z"/></clipPath>'
    clipped = "" if fill_from is None else f' clip-path="url(#{tone}c)"'
    return (
        gradient("g", glass) + gradient("l", liquid) + clip
        + f'<path d="{shape}" fill="url(#{tone}g)"/><path d="{inside}" fill="url(#{tone}l)"{clipped}/>'
        + f'<rect x="13.300" y="-2.600" width="5.400" height="3.200" rx=".8" fill="{cap}"/>'
        + '<path d="M14.200 -2v2M15.600 -2v2M17 -2v2" stroke="#000" stroke-opacity=".12" stroke-width=".4" stroke-linecap="round"/>'
        + f'<rect x="10.200" y="14.400" width="11.600" height="9.400" fill="{label}"/>'
        + '<path d="M10.200 15h11.600M10.200 23.200h11.600" stroke="#000" stroke-opacity=".1" stroke-width=".3"/>'
        + MARK.format(ink=ink, scale=".72")
        + '<path d="M12 12.600v16.400" stroke="#fff" stroke-width=".9" stroke-linecap="round" opacity=".5"/>'
        + '<path d="M14.900 2v3" stroke="#fff" stroke-width=".6" stroke-linecap="round" opacity=".5"/>'
    )


def bottles():
    clear, green = ("#F2FAFB", "#D9EBEE", "#B5D2D8"), ("#DDEFD8", "#B9D9B4", "#8DB98C")
    brown = ("#A8682F", "#7A4318", "#4E280D")
    return {
        "bottle-still": bottle("bs", clear, ("#E6F5F8", "#BFE0E8", "#98C6D2"), "#3F7F93", "#FBF7F1", "#3F7F93", 8),
        "bottle-sparkling": bottle("bp", green, ("#D4ECCB", "#A7D09E", "#7BB07A"), "#2F6B3F", "#FBF7F1", "#2F6B3F", 8),
        "bottle-apple": bottle("ba", clear, ("#FFE9A0", "#F8CB55", "#DFA22A"), "#B3261E", "#FBF7F1", "#B3261E", 7),
        "bottle-lager": bottle("bl", brown, ("#B9742F", "#8A4C17", "#5A2F0E"), "#D9A441", "#F4DDB8", "#5A2F0E", 7),
        "bottle-ginger": bottle("bg", clear, ("#FFF3D6", "#F3DDA6", "#D9BC78"), "#C77B1E", "#FBF7F1", "#C77B1E", 7),
    }


def egg_half(x, y, turn=0, scale=1.0):
    return (
        f'<g transform="translate({x} {y}) rotate({turn}) scale({scale})"><ellipse cx=".15" cy=".35" rx="3.300" ry="2.500" fill="#000" opacity=".14"/>'
        '<ellipse rx="3.300" ry="2.450" fill="#FFFDF6"/><ellipse cx="-.2" cy="-.1" rx="1.650" ry="1.400" fill="#FFB92E"/>'
        '<ellipse cx="-.6" cy="-.5" rx=".6" ry=".4" fill="#FFE29A"/></g>'
    )


def avocado_slices(x, y, turn):
    slices = ""
    for i in range(4):
        slices += (
            f'<g transform="translate({i * 1.35} {i * 0.25}) rotate({i * 7})"><path d="M0 0c1.800 -.9 4.300 0 5 2.200c-1.500 .9 -4.600 .6 -5 -2.200z" fill="#6E9C2E"/>'
            '<path d="M.3 .1c1.600 -.6 3.600 .1 4.300 1.900c-1.500 .6 -3.900 .2 -4.300 -1.900z" fill="#D8E58A"/></g>'
        )
    return f'<g transform="translate({x} {y}) rotate({turn})">{slices}</g>'


def cubes(points, light, dark, size=1.9):
    out = ""
    for x, y, turn in points:
        out += (
            f'<g transform="translate({x} {y}) rotate({turn})"><rect x="{-size / 2}" y="{-size / 2 + 0.35}" width="{size}" height="{size}" rx=".5" fill="{dark}"/>'
            f'<rect x="{-size / 2}" y="{-size / 2}" width="{size}" height="{size * 0.82:.2f}" rx=".5" fill="{light}"/></g>'
        )
    return out


def chicken_strips(x, y):
    out = ""
    for i in range(4):
        out += (
            f'<g transform="translate({x + i * 2.1} {y + i * 0.25}) rotate(24)"><rect x="-1" y="-3" width="2.300" height="6" rx="1.100" fill="#B9773A"/>'
            '<rect x="-1" y="-3" width="1.900" height="5.700" rx=".95" fill="#E5B274"/>'
            '<path d="M-.7 -1.500h1.400M-.7 .2h1.400M-.7 1.900h1.400" stroke="#8A4E20" stroke-width=".4" stroke-linecap="round"/></g>'
        )
    return out


def placed(body, x, y, scale, turn=0):
    return f'<g transform="translate({x} {y}) rotate({turn}) scale({scale})">{body}</g>'


def salads(parts, falafel, shrimp):
    """`parts` are the layers of the emoji's salad: bowl 0-3, back leaves 4-7, tomato 8-11, front leaf 12-13."""
    bowl, back, tomato, front = ("".join(parts[a:b]) for a, b in ((0, 4), (4, 8), (8, 12), (12, 14)))
    corn_left, corn_right = "".join(parts[18:20]), "".join(parts[21:23])
    shavings = '<g fill="#FBEFC4"><path d="M17.500 9.500l3.400 -1.200l.5 1.500l-3.300 .9z"/><path d="M9.200 10.200l2.600 -1.300l.9 1.200l-2.800 1.100z"/><path d="M20.600 13.200l2.800 .3l-.4 1.400l-2.700 -.5z"/></g>'
    walnuts = (
        '<g fill="#9C6A3C"><ellipse cx="10.400" cy="11.200" rx="1.900" ry="1.400"/><ellipse cx="21.800" cy="12.400" rx="1.900" ry="1.400"/></g>'
        '<path d="M9 11c.6 -.5 1 .5 1.500 0s1 .3 1.400 -.1M20.400 12.200c.6 -.5 1 .5 1.500 0s1 .3 1.400 -.1" stroke="#6E4420" stroke-width=".4" fill="none" stroke-linecap="round"/>'
    )
    grain_bed = '<path d="M5 14.200c1.500 -2.800 5.500 -3.600 8.500 -3.100c3.400 -1.200 9.800 -.6 13 3.100c.3 2.700 -3.400 4.400 -10.500 4.400s-11.200 -1.700 -11 -4.400z" fill="#D9B27C"/>'
    grains = "".join(
        f'<ellipse cx="{7 + (i * 37) % 18:g}" cy="{12.6 + (i * 13) % 5:g}" rx=".75" ry=".45" transform="rotate({(i * 47) % 180} {7 + (i * 37) % 18} {12.6 + (i * 13) % 5:g})" fill="{("#EBCF9E", "#C1935A", "#F3DFB8")[i % 3]}"/>'
        for i in range(34)
    )
    return {
        "salad-falafel": bowl + back + tomato + front + placed(falafel, 4.2, 7.2, 0.4) + corn_right,
        "salad-caesar": bowl + back + front + shavings + chicken_strips(8.6, 12.6)
        + cubes([(20.8, 11.4, 12), (24, 14.6, -18), (18.6, 16.6, 30)], "#E8B566", "#B47C34", 2.2) + egg_half(21.2, 16, -8, 0.9),
        "salad-avocado": bowl + back + tomato + front + avocado_slices(6.2, 12.6, 4) + egg_half(19.2, 16.2, -6) + egg_half(24, 14.2, 14, 0.85),
        "salad-grain": bowl + back + grain_bed + grains
        + cubes([(9.6, 15.2, 10), (16.2, 12.6, -14), (19.4, 16.4, 26), (13.6, 16.6, 40)], "#A8325A", "#6E1B38")
        + cubes([(12.4, 13.4, -12), (22.8, 15.4, 14), (17.6, 14.8, 4)], "#FFFDF6", "#DDD2BF") + walnuts,
        "salad-shrimp": bowl + back + front + placed(shrimp, 4.4, 8.2, 0.34, 0) + placed(shrimp, 13, 9.4, 0.3, -8)
        + cubes([(23.6, 12.6, 18), (21.6, 16.6, -12), (12.6, 17, 30), (17.6, 10.4, 8)], "#FFC04A", "#E08A1A", 2.1) + corn_left,
    }


def porridge(bowl):
    """The emoji's bowl, filled: oats before the spoon."""
    oats = (
        '<path d="M4.300 14.200c1 -3.600 5 -5.600 11.700 -5.600s10.700 2 11.700 5.600c-.8 3.400 -5 5.500 -11.700 5.500s-10.900 -2.100 -11.700 -5.500z" fill="#EBD9B8"/>'
        '<path d="M5.600 13.600c1.400 -2.600 5 -4 10.400 -4s8.900 1.300 10.300 3.800" stroke="#F7ECD6" stroke-width=".8" stroke-linecap="round" fill="none"/>'
    )
    berries = (
        '<g><circle cx="10" cy="13.600" r="1.700" fill="#3C4A86"/><circle cx="9.500" cy="13" r=".5" fill="#8C97C9"/>'
        '<circle cx="12.800" cy="15.600" r="1.600" fill="#46559A"/><circle cx="12.300" cy="15" r=".5" fill="#98A3D4"/>'
        '<path d="M8 16.400c.4 -1.600 2.200 -1.800 3 -.6c.4 1.200 -.6 2.400 -1.700 2.400s-1.600 -.8 -1.300 -1.800z" fill="#D8342C"/>'
        '<path d="M22 12.400c.5 -1.600 2.400 -1.700 3.100 -.5c.4 1.200 -.6 2.400 -1.800 2.400s-1.600 -.9 -1.300 -1.900z" fill="#D8342C"/>'
        '<path d="M14.600 11.400l1.500 .4M8.300 11.800l1.300 -.4M23.600 16.200l1.400 -.5M6.700 14.700l1 .7" stroke="#C49A5C" stroke-width=".6" stroke-linecap="round"/></g>'
    )
    # Before the first group after the well's two fills comes the spoon.
    spoon = re.search(r'<g filter="url\(#[^)]+\)"><path[^>]*d="M18\.555', bowl)
    assert spoon, "the emoji's spoon starts where it did"
    return bowl[: spoon.start()] + oats + bowl[spoon.start() :].replace("<defs>", berries + "<defs>", 1)
