#!/usr/bin/env python3
"""Prices carts with exact fractions, as docs/pricing.md describes it, and compares.

Reads {"cases": [...]} from standard input (see domain/tests/pricing/twin.rs for the fields), prints every
difference and ends with status 1 if there is one. Uses nothing but the standard library and shares no code
with the kiosk.
"""

import json
import math
import sys
from fractions import Fraction as F

WHOLE = 1_000_000  # 100 % in units of 1e-4 %
PIECE = 100_000  # one piece in units of 1e-5


def half_away(x):
    """The nearest integer, a half away from zero."""
    n = math.floor(abs(x) + F(1, 2))
    return -n if x < 0 else n


def times(amount, quantity):
    return half_away(F(amount * quantity, PIECE))


def percent(amount, rate):
    return half_away(F(amount * rate, WHOLE))


def hamilton(total, entries):
    """Largest remainder. entries: (weight, key); returns the shares in the same order."""
    weights = [max(0, w) for w, _ in entries]
    if not sum(weights):
        weights = [1] * len(entries)
    exact = [F(abs(total) * w, sum(weights)) for w in weights]
    share = [math.floor(x) for x in exact]
    line = sorted(range(len(entries)), key=lambda i: (share[i] - exact[i], -weights[i], entries[i][1]))
    for i in line[: abs(total) - sum(share)]:
        share[i] += 1
    return [-s for s in share] if total < 0 else share


class Twin:
    def __init__(self, case):
        self.c = case
        self.out = []  # every priced line
        self.sold = []  # every cart line: (line, item, own lines, base price)
        for line in case["cart"]:
            self.line(line)
        self.line_rules()
        self.order_rules()
        self.surcharges = self.added()
        self.tax()

    # --- taxes by class -------------------------------------------------------------------------------

    def key(self, class_):
        rules = [r for r in self.c["classes"] if r["class"] == class_]
        rule = [r for r in rules if r["mode"] == self.c["mode"]] or [r for r in rules if r["mode"] is None]
        ids = tuple(sorted(rule[0]["rates"]))
        return (bool(ids) and self.c["rates"][ids[0]]["included"], ids)

    # --- 1 and 2: lines, combos, deposits -------------------------------------------------------------

    def extras(self, item, choices):
        total = 0
        for group in item["groups"]:
            units = []
            for g, m, count in choices:
                if g == group["id"]:
                    units += [group["modifiers"][m]] * count
            costly = sorted(u for u in units if u > 0)
            total += sum(costly[group["free"]:]) + sum(u for u in units if u <= 0)
        return total

    def put(self, line, slot, id_, quantity, gross):
        item = self.c["items"][id_]
        entry = {
            "line": line["id"], "slot": slot, "item": id_, "quantity": quantity, "gross": gross, "net": gross,
            "discounts": [], "taxes": {}, "key": (False, ()) if item["kind"] == "combo" else self.key(item["class"]),
            "goods": item["kind"] == "product",
            "cut": item["kind"] == "product" and item["discountable"],
            "place": (line["id"], sum(1 for o in self.out if o["line"] == line["id"])),
        }
        self.out.append(entry)
        if item["deposit"]:
            each = self.c["items"][item["deposit"]]["price"]
            self.put(line, slot, item["deposit"], quantity, times(each, quantity))

    def line(self, line):
        item = self.c["items"][line["item"]]
        first = len(self.out)
        q, base = line["quantity"], None
        if item["kind"] == "combo":
            base = item["price"]
            self.put(line, None, line["item"], q, 0)
            picks = [(p, self.c["items"][p["item"]]) for p in line["picks"]]
            weights = [(times(i["price"], q), (self.key(i["class"]), n)) for n, (_, i) in enumerate(picks)]
            for share, (pick, part) in zip(hamilton(times(item["price"], q), weights), picks):
                extra = item["slots"][pick["slot"]][pick["item"]] + self.extras(part, pick["modifiers"])
                self.put(line, pick["slot"], pick["item"], q, share + times(extra, q))
        else:
            extra = self.extras(item, line["modifiers"])
            if line["label"] is not None:
                gross = line["label"] + extra
                if item["per_kg"] and item["price"]:
                    q = half_away(F(line["label"] * PIECE, item["price"]))
            elif item["per_kg"]:
                gross = times(item["price"], q) + extra
            else:
                gross, base = times(item["price"] + extra, q), item["price"]
            self.put(line, None, line["item"], q, gross)
        self.sold.append((line, item, self.out[first:], base, q))

    # --- 3 and 4: discounts ---------------------------------------------------------------------------

    def goods(self):
        return sum(e["net"] for e in self.out if e["goods"])

    def is_target(self, rule, line, item):
        return item["discountable"] and (rule["items"] is None or line["item"] in rule["items"])

    def take(self, rule, amount, entries):
        for e, d in zip(entries, hamilton(amount, [(e["net"], (e["key"], e["place"])) for e in entries])):
            if d:
                e["net"] -= d
                e["discounts"].append([rule["id"], d])

    def rounds(self, on_order):
        goods = self.goods()
        rules = [r for r in self.c["rules"] if (r["kind"] in ("order_percent", "order_amount")) == on_order]
        rules = sorted((r for r in rules if goods >= r["min"]), key=lambda r: (r["priority"], r["id"]))
        done = set()
        for rule in rules:
            if rule["group"] is None:
                yield [rule]
            elif rule["group"] not in done:
                done.add(rule["group"])
                yield [r for r in rules if r["group"] == rule["group"]]

    def line_rules(self):
        for rivals in self.rounds(False):
            cuts = {r["id"]: self.cuts(r) for r in rivals}
            whole = len(rivals) > 1 and any(r["kind"] == "bundle" for r in rivals)
            for n, (_, _, entries, _, _) in enumerate(self.sold):
                worth = (lambda r: sum(cuts[r["id"]])) if whole else (lambda r: cuts[r["id"]][n])
                rule = sorted(rivals, key=lambda r: (-worth(r), r["id"]))[0]
                eligible = [e for e in entries if e["cut"]]
                if eligible:
                    self.take(rule, cuts[rule["id"]][n], eligible)

    def cuts(self, rule):
        given = self.given(rule) if rule["kind"] == "bundle" else {}
        result = []
        for n, (line, item, entries, base, q) in enumerate(self.sold):
            if not self.is_target(rule, line, item):
                result.append(0)
                continue
            net = sum(e["net"] for e in entries if e["cut"])
            v = rule["value"]
            cut = {
                "line_percent": lambda: percent(net, v),
                "unit_amount": lambda: times(v, q),
                "line_amount": lambda: v,
                "fixed_price": lambda: sum(e["gross"] for e in entries if e["goods"]) - times(v, q),
                "bundle": lambda: (base or 0) * given.get(n, 0),
            }[rule["kind"]]()
            result.append(min(max(0, cut), net))
        return result

    def given(self, rule):
        """Pieces given away for each cart line, by laying all pieces in a row."""
        row = []
        for n, (line, item, entries, base, q) in enumerate(self.sold):
            if base is not None and self.is_target(rule, line, item) and any(e["cut"] for e in entries):
                key = min(e["key"] for e in entries if e["goods"])
                row += [(-base, key, line["id"], n)] * max(0, q // PIECE)
        row.sort()
        given = {}
        for start in range(0, len(row) - len(row) % rule["value"], rule["value"]):
            for piece in row[start:start + rule["value"]][-rule["free"]:]:
                given[piece[3]] = given.get(piece[3], 0) + 1
        return given

    def order_rules(self):
        for rivals in self.rounds(True):
            best = []
            for rule in rivals:
                entries = [e for line, item, own, _, _ in self.sold if self.is_target(rule, line, item)
                           for e in own if e["cut"]]
                net = sum(e["net"] for e in entries)
                cut = percent(net, rule["value"]) if rule["kind"] == "order_percent" else rule["value"]
                best.append((-min(cut, net), rule["id"], rule, entries))
            cut, _, rule, entries = min(best, key=lambda b: b[:2])
            if entries:
                self.take(rule, -cut, entries)

    # --- 5: surcharges --------------------------------------------------------------------------------

    def added(self):
        if not any(e["goods"] for e in self.out):
            return []
        result = []
        for s in self.c["surcharges"]:
            amount = s["amount"] if s["percent"] is None else percent(self.goods(), s["percent"])
            if s["tax"] == "untaxed":
                parts = []
            elif s["tax"] == "follow-lines":
                keys = sorted({e["key"] for e in self.out if e["goods"]})
                nets = [sum(e["net"] for e in self.out if e["goods"] and e["key"] == k) for k in keys]
                parts = list(zip(keys, hamilton(amount, list(zip(nets, keys)))))
            else:
                parts = [(self.key(s["tax"]), amount)]
            result.append({"id": s["id"], "amount": amount, "parts": parts, "taxes": {}})
        return result

    # --- 6 to 9: tax and total ------------------------------------------------------------------------

    def taxes_of(self, key, amount):
        """The amount without tax, and per rate (base, tax)."""
        included, ids = key
        rates = {i: self.c["rates"][i] for i in ids}
        if included:
            together = sum(r["rate"] for r in rates.values())
            tax = half_away(F(amount * together, WHOLE + together))
            shares = hamilton(tax, [(rates[i]["rate"], i) for i in ids])
            return amount - tax, {i: (amount - tax, t) for i, t in zip(ids, shares)}
        result = {}
        for i in ids:
            below = [j for j in ids if rates[j]["compound"] < rates[i]["compound"]]
            # Lower orders first: there are at most two of them here.
            base = amount + sum(percent(amount, rates[j]["rate"]) for j in below)
            result[i] = (base, percent(base, rates[i]["rate"]))
        return amount, result

    def tax(self):
        members = {}
        for e in self.out:
            if self.c["items"][e["item"]]["kind"] != "combo":
                members.setdefault(e["key"], []).append((e["net"], (0, e["place"]), e))
        for n, s in enumerate(self.surcharges):
            for key, amount in s["parts"]:
                members.setdefault(key, []).append((amount, (1, (n, 0)), s))
        self.groups, self.rates = [], {}
        on_top = 0
        for key in sorted(members):
            amount = sum(m[0] for m in members[key])
            back = sum(min(0, m[0]) for m in members[key])
            base, taxes = self.taxes_of(key, amount)
            _, returned = self.taxes_of(key, back)
            for i, (rate_base, tax) in taxes.items():
                sold = hamilton(tax - returned[i][1], [(m[0], m[1]) for m in members[key]])
                other = hamilton(returned[i][1], [(-m[0], m[1]) for m in members[key]])
                for m, a, b in zip(members[key], sold, other):
                    m[2]["taxes"][i] = m[2]["taxes"].get(i, 0) + a + b
                old = self.rates.get(i, (0, 0))
                self.rates[i] = (old[0] + rate_base, old[1] + tax)
                on_top += 0 if key[0] else tax
            self.groups.append([key[0], amount, base, [[i, b, t] for i, (b, t) in taxes.items()]])
        after = sum(s["amount"] for s in self.surcharges if not s["parts"])
        self.total = sum(g[1] for g in self.groups) + on_top + after

    def result(self):
        pairs = lambda taxes: [[i, t] for i, t in sorted(taxes.items())]
        return {
            "lines": [[e["line"], e["slot"], e["item"], e["quantity"], e["gross"], e["net"], e["discounts"],
                       pairs(e["taxes"])] for e in self.out],
            "surcharges": [[s["id"], s["amount"], pairs(s["taxes"])] for s in self.surcharges],
            "groups": self.groups,
            "taxes": [[i, b, t] for i, (b, t) in sorted(self.rates.items())],
            "total": self.total,
            "discount": sum(d for e in self.out for _, d in e["discounts"]),
        }


def main():
    cases = json.load(sys.stdin)["cases"]
    wrong = 0
    for number, case in enumerate(cases):
        result, expected = Twin(case).result(), case.pop("expected")
        if result != expected:
            wrong += 1
            print(f"case {number}: {json.dumps(case)}")
            for field in expected:
                if result[field] != expected[field]:
                    print(f"  {field}: kiosk {json.dumps(expected[field])}\n  {' ' * len(field)}   twin {json.dumps(result[field])}")
    print(f"{len(cases)} carts priced, {wrong} differently")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
