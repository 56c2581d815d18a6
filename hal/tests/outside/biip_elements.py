#!/usr/bin/env python3
"""Writes hal/tests/outside/biip_elements.txt: how biip, another GS1 parser, cuts messages of all kinds of elements.

Run from the root of the repository:
    pip install biip==5.2.0 && python3 hal/tests/outside/biip_elements.py > hal/tests/outside/biip_elements.txt

Each line: the message in hexadecimal, then its elements as AI and value, all divided by spaces.
"""

import random

import biip
from biip.checksums import gs1_standard_check_digit
from biip.gs1_messages import GS1Message

FIXED = {
    "00": 18, "01": 14, "02": 14, "11": 6, "13": 6, "15": 6, "17": 6, "20": 2, "3103": 6, "3110": 6, "3202": 6,
    "3925": 0, "410": 13, "414": 13,
}
VARIABLE = ["10", "21", "22", "30", "37", "240", "241", "250", "3922", "3932", "400", "420", "8005", "8200", "91", "99"]
CHECKED = {"00", "01", "02", "410", "414"}


def value(rng, ai):
    if ai in CHECKED:
        body = "".join(rng.choice("0123456789") for _ in range(FIXED[ai] - 1))
        return body + str(gs1_standard_check_digit(body))
    if ai in ("11", "13", "15", "17"):
        return f"{rng.randrange(100):02}{rng.randrange(1, 13):02}{rng.randrange(0, 29):02}"
    if ai in FIXED or ai == "8005":
        return "".join(rng.choice("0123456789") for _ in range(FIXED.get(ai, 6)))
    if ai == "3932":
        return "978" + "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 10)))
    if ai in ("30", "37", "3922"):
        return "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 9)))
    letters = "ABCXYZabcxyz0123456789-/._+%&"
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, 21)))


def main():
    rng = random.Random(20261121)
    del FIXED["3925"]
    for _ in range(120):
        ids = rng.sample(list(FIXED) + VARIABLE, rng.randrange(1, 6))
        message = ""
        for n, ai in enumerate(ids):
            message += ai + value(rng, ai)
            if ai not in FIXED and n + 1 < len(ids):
                message += "\x1d"
        parsed = GS1Message.parse(message)
        cells = [f"{e.ai.ai} {e.value}" for e in parsed.element_strings]
        print(message.encode().hex(), *cells)


assert biip.__version__ == "5.2.0"
main()
