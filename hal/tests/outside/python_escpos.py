#!/usr/bin/env python3
"""Writes hal/tests/outside/python_escpos.hex: what python-escpos sends for the same wishes as our encoder.

Run from the root of the repository:
    pip install python-escpos==3.1 && python3 hal/tests/outside/python_escpos.py > hal/tests/outside/python_escpos.hex
"""

from escpos.printer import Dummy
from PIL import Image

TEXTS = ["Gruss", "Grüße 12,50 €", "Žluť", "Привет", "€ Grüße Žluť Привет"]


def record(name, act):
    printer = Dummy(profile="TM-T88V")
    act(printer)
    print(f"{name}={printer.output.hex()}")


def picture():
    """40 by 20 dots, black where the product of the coordinates is a multiple of seven, last column black."""
    image = Image.new("1", (40, 20), 1)
    for y in range(20):
        for x in range(40):
            if (x * y) % 7 == 0 or x == 39:
                image.putpixel((x, y), 0)
    return image


def bar_code(kind, data):
    return lambda p: p.barcode(data, kind, height=80, width=3, pos="BELOW", align_ct=False, function_type="B", check=False)


record("qr_kiosk", lambda p: p.qr("KIOSK", native=True, size=6, ec=1))
record("qr_high", lambda p: p.qr("https://example.org/r/0123456789?x=1", native=True, size=4, ec=3))
record("ean13", bar_code("EAN13", "4006381333931"))
record("ean8", bar_code("EAN8", "96385074"))
record("upca", bar_code("UPC-A", "036141414141"[:11]))
record("code39", bar_code("CODE39", "KIOSK-7"))
record("itf", bar_code("ITF", "12345678"))
record("code128", bar_code("CODE128", "{BOrder 17"))
record("size_2_3", lambda p: p.set_with_default(custom_size=True, width=2, height=3))
record("bold", lambda p: p.set(bold=True))
record("underline", lambda p: p.set(underline=1))
record("inverse", lambda p: p.set(invert=True))
record("center", lambda p: p.set(align="center"))
record("font_b", lambda p: p.set(font="b"))
record("raster", lambda p: p.image(picture(), impl="bitImageRaster"))
record("graphics", lambda p: p.image(picture(), impl="graphics"))
for number, text in enumerate(TEXTS):
    record(f"text{number}", lambda p: p.text(text))
