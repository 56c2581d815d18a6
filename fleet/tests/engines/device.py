"""A foreign kiosk and a foreign backend: paho-mqtt, openssl, the standard library, and nothing of ours.

Log, canonical JSON and hash chain are written anew from the published description. The program plays a number of
scenes and tells what the fleet said to each, one JSON object a line; whoever started it judges.

    device.py play SETTINGS      enrols, sells, sends poison, waits to be thrown out
    device.py knock SETTINGS     whether its certificate gets it in
"""

import hashlib
import json
import queue
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
import uuid

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

LIMIT = 20
# How long nothing must come where nothing may come.
SILENCE = 1.5


def canonical(value):
    """RFC 8785 for what events hold: objects with sorted keys, arrays, text, integers, true, false, null."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(kiosk, epoch, event, body, previous):
    short = lambda text: struct.pack(">H", len(text.encode())) + text.encode()
    image = b"kioskd.event.1\0" + short(kiosk) + struct.pack(">QQ", epoch, event["s"])
    image += uuid.UUID(event["id"]).bytes + short(event["k"])
    image += struct.pack(">HqQIQB", event["v"], event["t"], int(event["h"], 16), event["bt"], event["m"], event["q"])
    image += struct.pack(">I", len(body)) + body + previous
    return hashlib.sha256(image).digest()


def check_published_vectors():
    first = {"s": 1, "id": "01a13b86-0000-7000-8000-000000000001", "k": "epoch.started", "v": 1,
             "t": 1792000000000, "h": "%016x" % 117440512000000000, "bt": 12, "m": 1500, "q": 2}
    body = canonical({"reason": "provisioned", "anchor": None})
    one = chained("t7.k0042", 1792000000000, first, body, bytes(32))
    assert one.hex() == "9e969f95faa14c86fe836c34857328f3af87b766ceb845c318681154193b1828", one.hex()
    second = {"s": 2, "id": "01a13b86-00fa-7000-8000-000000000002", "k": "order.placed", "v": 1,
              "t": 1792000000250, "h": "%016x" % 117440512016384003, "bt": 12, "m": 1750, "q": 2}
    body = canonical({"order": "019f0000-0000-7000-8000-0000000000aa", "amount_minor": 1475,
                      "currency": "EUR", "name": "Caf\u00e9 \u00d6"})
    assert len(body) == 103, len(body)
    two = chained("t7.k0042", 1792000000000, second, body, one)
    assert two.hex() == "3e3efc0e91d3696181c97c5a0cfb446ec39ecb0db3115430cc96fe08d5862f78", two.hex()


def uuid7(ms):
    random = uuid.uuid4().int & ((1 << 74) - 1)
    value = (ms << 80) | (7 << 76) | ((random >> 62) << 64) | (2 << 62) | (random & ((1 << 62) - 1))
    return str(uuid.UUID(int=value))


class Log:
    """What a kiosk remembers: one epoch of events, chained."""

    def __init__(self, kiosk, epoch, reason="provisioned"):
        self.kiosk, self.epoch = kiosk, epoch
        self.events, self.hashes = [], [bytes(32)]
        self.add("epoch.started", {"anchor": None, "reason": reason})

    def twin(self):
        """A copy of the machine's disk."""
        copy = Log.__new__(Log)
        copy.kiosk, copy.epoch = self.kiosk, self.epoch
        copy.events, copy.hashes = list(self.events), list(self.hashes)
        return copy

    def add(self, kind, body, version=1, at=None, lie=False):
        at = int(time.time() * 1000) if at is None else at
        seq = len(self.events) + 1
        event = {"s": seq, "id": uuid7(max(at, 0)), "k": kind, "v": version, "t": at,
                 "h": "%016x" % ((max(at, 0) << 16) | seq), "bt": 1, "m": seq, "q": 2, "body": body}
        body = canonical(body)
        hash = chained(self.kiosk, self.epoch, event, body, self.hashes[-1])
        if lie:
            hash = hashlib.sha256(hash).digest()
        event["hash"] = hash.hex()
        self.events.append(event)
        self.hashes.append(hash)
        return seq

    def sale(self, number):
        now = int(time.time() * 1000)
        order, payment = uuid7(now), uuid7(now)
        line = {"allergens": 0, "gross_minor": 700, "item": "cola", "kitchen_name": "COLA", "line": 1,
                "name": "Caf\u00e9 \u00d6", "net_minor": 700, "quantity_e5": 200000, "taxes": [], "unit_minor": 350,
                "variation": "cola-05"}
        self.add("order.placed", {
            "business_date": [2026, 11, 22], "catalog_rev": 1, "channel": "touch", "counter": number,
            "currency": "EUR", "discount_minor": 0, "exponent": 2, "lang": "en", "lines": [line], "mode": "dine_in",
            "order": order, "placed_at_ms": now, "prefix": "PY", "taxes": [], "total_minor": 700})
        self.add("payment.created", {
            "amount_minor": 700, "at_ms": now, "currency": "EUR", "exponent": 2, "order": order,
            "payment": payment, "tender": "card", "tip_minor": 0})
        paid = self.add("order.paid", {"at_ms": now, "fiscal": {"n": number, "series": self.epoch}, "order": order})
        self.add("payment.completed", {"payment": payment})
        self.add("order.closed", {"order": order})
        return paid

    def batch(self, start, end=None):
        events = self.events[start - 1:end]
        return {"v": 1, "b": str(uuid.uuid4()), "ep": self.epoch, "from": start, "n": len(events),
                "ph": self.hashes[start - 1].hex(), "ev": events}


class Client:
    """A connection; what comes in waits in a queue."""

    def __init__(self, settings, name, port, ca, certificate, key, filters):
        self.messages, self.state, self.granted = queue.Queue(), queue.Queue(), queue.Queue()
        self.mqtt = mqtt.Client(client_id=name, protocol=mqtt.MQTTv5)
        self.mqtt.tls_set(ca, certificate, key, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.mqtt.on_message = lambda _c, _u, message: self.messages.put(message)
        self.mqtt.on_disconnect = lambda _c, _u, reason, _p=None: self.state.put(("lost", str(reason)))
        self.mqtt.on_subscribe = lambda _c, _u, _mid, _codes, _p=None: self.granted.put(True)
        self.mqtt.on_connect = lambda _c, _u, _f, reason, _p=None: self.state.put(("connected", str(reason)))
        self.filters = filters
        self.host, self.port = settings["host"], port

    def connect(self):
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = 60
        # One attempt: whoever is refused stays outside.
        self.mqtt.connect(self.host, self.port, keepalive=30, clean_start=True, properties=session)
        self.mqtt.loop_start()
        state, reason = self.state.get(timeout=LIMIT)
        if (state, reason) != ("connected", "Success"):
            raise ConnectionError(reason)
        for filter in self.filters:
            self.mqtt.subscribe(filter, qos=1)
            self.granted.get(timeout=LIMIT)
        return self

    def publish(self, topic, payload):
        self.mqtt.publish(topic, payload, qos=1).wait_for_publish(LIMIT)

    def close(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def kiosk(settings, me):
    return Client(settings, me, settings["kiosk_port"], settings["fleet_ca"], "device.pem", "device.key",
                  [f"v1/k/{me}/dn/#"])


def say(scene, **what):
    print(json.dumps({"scene": scene, **what}), flush=True)


def hand_over(client, me, payload):
    """Publishes something as a batch; the fleet's answer, or None."""
    name = payload["b"] if isinstance(payload, dict) else None
    raw = canonical(payload) if isinstance(payload, dict) else payload
    client.publish(f"v1/k/{me}/up/ev", raw)
    until = time.monotonic() + (LIMIT if name else SILENCE)
    while (left := until - time.monotonic()) > 0:
        try:
            message = client.messages.get(timeout=left)
        except queue.Empty:
            break
        if message.topic == f"v1/k/{me}/dn/ak":
            answer = json.loads(message.payload)
            if answer["b"] == name:
                return answer
    return None


def enrol(settings):
    subprocess.run("openssl ecparam -name prime256v1 -genkey -noout -out device.key".split(), check=True)
    request = subprocess.run("openssl req -new -key device.key -subj /CN=snake".split(), check=True, capture_output=True)
    body = json.dumps({"code": settings["code"], "csr": request.stdout.decode(), "version": "python"}).encode()
    ask = urllib.request.Request(settings["https"] + "/v1/enroll", body, {"Content-Type": "application/json"})
    trust = ssl.create_default_context(cafile=settings["fleet_ca"])
    with urllib.request.urlopen(ask, context=trust, timeout=LIMIT) as answer:
        told = json.load(answer)
    with open("device.pem", "w") as file:
        file.write(told["certificate"] + told["chain"])
    return told


def play(settings):
    check_published_vectors()
    told = enrol(settings)
    me = told["kiosk"]
    say("enrolled", kiosk=me)
    auditor = Client(settings, "auditor", settings["internal_port"], settings["fleet_ca"],
                     settings["fleetd_pem"], settings["fleetd_key"], ["v1/k/+/up/ev", "v1/k/+/dn/ak"]).connect()
    client = kiosk(settings, me).connect()
    scenes(settings, client, auditor, me)
    # Somebody decommissions this kiosk now.
    while not client.state.empty():
        client.state.get()
    say("waiting")
    state, _ = client.state.get(timeout=LIMIT)
    client.close()
    say("thrown out", state=state)


def scenes(settings, client, auditor, me):
    log = Log(me, int(time.time() * 1000))
    log.sale(1)
    good = log.batch(1)
    say("good", answer=hand_over(client, me, good), last=len(log.events))
    say("repeated", answer=hand_over(client, me, good))
    overheard(auditor, me, good)

    say("not JSON", answer=hand_over(client, me, b'{"v":1,"b":"' + b"\xff" * 40))
    spoilt = log.batch(1)
    spoilt["n"] += 1
    say("wrong head", answer=hand_over(client, me, spoilt), next=len(log.events) + 1)

    start = log.add("service.sung", {"by": "ada"})
    log.add("service.opened", {"by": "ada"}, version=99)
    log.add("service.opened", {"by": 7})
    log.add("service.opened", {"by": "ada"}, lie=True)
    log.add("service.opened", {"by": "x" * 70_000})
    log.add("service.opened", {"by": "ada"})
    say("poison", answer=hand_over(client, me, log.batch(start)), start=start)

    huge = log.twin()
    for _ in range(5):
        huge.add("service.opened", {"by": "x" * 60_000})
    say("too large", answer=hand_over(client, me, huge.batch(len(log.events) + 1)), next=len(log.events) + 1)

    start = log.add("service.closed", {"by": "ada"}, at=946684800000)
    log.add("service.opened", {"by": "ada"}, at=4102444800000)
    say("clocks years off", answer=hand_over(client, me, log.batch(start)), last=len(log.events))

    start = log.add("service.closed", {"by": "ada"})
    say("gap", answer=hand_over(client, me, log_with_gap(log)), next=start)
    say("filled", answer=hand_over(client, me, log.batch(start)), last=len(log.events))

    victim = settings["victim"]
    stolen = Log(victim, log.epoch)
    for topic in [f"v1/k/{victim}/up/ev", f"v1/k/{victim}/dn/ak", f"v1/k/{me}/dn/ak"]:
        client.publish(topic, canonical(stolen.batch(1)))

    # The first machine goes on selling, and so does the copy of its disk.
    copy = log.twin()
    log.sale(2)
    say("sold on", answer=hand_over(client, me, log.batch(len(copy.events) + 1)), last=len(log.events))
    clone = kiosk(settings, me).connect()
    say("first thrown off", state=lost(client))
    start = len(copy.events) + 1
    copy.sale(2)
    say("clone", answer=hand_over(clone, me, copy.batch(start)), at=start, last=len(copy.events))
    clone.close()
    client.mqtt.reconnect()
    client.mqtt.loop_start()
    client.mqtt.subscribe(f"v1/k/{me}/dn/#", qos=1)
    client.granted.get(timeout=LIMIT)
    anew = Log(me, log.epoch + 1000, reason="fork")
    anew.sale(1)
    say("after the fork", answer=hand_over(client, me, anew.batch(1)), last=len(anew.events))


def lost(client):
    while True:
        state, _ = client.state.get(timeout=LIMIT)
        if state == "lost":
            client.mqtt.loop_stop()
            return state


def log_with_gap(log):
    later = log.twin()
    seq = later.add("service.opened", {"by": "ada"})
    return later.batch(seq)


def overheard(auditor, me, good):
    """The backend that listens sees the batch as it was sent, can follow its chain, and the answers."""
    heard, answers = None, 0
    while heard is None or answers < 2:
        message = auditor.messages.get(timeout=LIMIT)
        body = json.loads(message.payload)
        if body["b"] == good["b"] and message.topic == f"v1/k/{me}/up/ev":
            heard = body
        elif body["b"] == good["b"] and message.topic == f"v1/k/{me}/dn/ak":
            answers += 1
    previous, intact = bytes.fromhex(heard["ph"]), True
    for event in heard["ev"]:
        previous = chained(me, heard["ep"], event, canonical(event["body"]), previous)
        intact = intact and previous.hex() == event["hash"]
    auditor.close()
    say("overheard", intact=intact, events=len(heard["ev"]))


def knock(settings):
    """Without paho's own thread: a TLS alert would end that without a word."""
    client = kiosk(settings, settings["me"])
    try:
        client.mqtt.connect(client.host, client.port)
        until = time.monotonic() + LIMIT
        while client.state.empty() and time.monotonic() < until:
            client.mqtt.loop(0.2)
        told = client.state.get_nowait()
    except OSError as error:
        told = ("refused", str(error))
    say("knocked", entered=told == ("connected", "Success"), told=told)


if __name__ == "__main__":
    {"play": play, "knock": knock}[sys.argv[1]](json.loads(sys.argv[2]))
