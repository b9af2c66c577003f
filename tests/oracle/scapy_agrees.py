#!/usr/bin/env python3
"""Holds every Mobility Header of captures against scapy's Mobile IPv6 layers.

Scapy dissects it, its fields must be those `roamproof decode --format json` printed, and built anew
from scapy's fields it must be the same octets, checksum included, which scapy computes over its own
pseudo-header (Home Address option and type 2 routing header taken into account).

Usage: scapy_agrees.py CAPTURE DECODED.json [CAPTURE DECODED.json]...
Prints one JSON object of counts per capture; exit status 1 names every disagreement.
"""

import json
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers.inet6 import (  # noqa: E402
    MIP6MH_BA, MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU, MIP6MH_CoT, MIP6MH_CoTI, MIP6MH_Generic,
    MIP6MH_HoT, MIP6MH_HoTI, HAO, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting,
)
from scapy.packet import Raw  # noqa: E402

import packets  # noqa: E402

CLASSES = {
    0: MIP6MH_BRR, 1: MIP6MH_HoTI, 2: MIP6MH_CoTI, 3: MIP6MH_HoT, 4: MIP6MH_CoT,
    5: MIP6MH_BU, 6: MIP6MH_BA, 7: MIP6MH_BE,
}
# Scapy's field, ours, and how scapy's value becomes ours. Lifetimes are in units of 4 s in both.
COMPARED = {
    MIP6MH_HoTI: [("cookie", "cookie", bytes.hex)],
    MIP6MH_CoTI: [("cookie", "cookie", bytes.hex)],
    MIP6MH_HoT: [("index", "nonce-index", int), ("cookie", "cookie", bytes.hex),
                 ("token", "keygen-token", bytes.hex)],
    MIP6MH_CoT: [("index", "nonce-index", int), ("cookie", "cookie", bytes.hex),
                 ("token", "keygen-token", bytes.hex)],
    MIP6MH_BU: [("seq", "sequence", int), ("mhtime", "lifetime", int)],
    MIP6MH_BA: [("seq", "sequence", int), ("mhtime", "lifetime", int), ("status", "status", int)],
    MIP6MH_BE: [("status", "status", int), ("ha", "home-address", str)],
    MIP6MH_BRR: [],
}


def disagreements(message, ours):
    """What scapy and `roamproof decode` do not agree on in one Mobility Header."""
    kind = message.octets[2]
    layer = CLASSES.get(kind, MIP6MH_Generic)
    told = layer(message.octets)
    if layer is MIP6MH_Generic and told.haslayer(Raw):
        # Scapy takes Header Len for the length of the whole message there (2.8.0): 8 octets too few.
        told.msg += told[Raw].load
        told.remove_payload()
    if told.haslayer(Raw):
        yield f"scapy leaves {len(told[Raw].load)} octets"
    if ours.get("type") != kind:
        yield f"type: scapy {kind}, decode {ours.get('type')}"
    for theirs, name, convert in COMPARED.get(layer, []):
        expected, seen = convert(getattr(told, theirs)), ours.get(name)
        if expected != seen:
            yield f"{name}: scapy {expected}, decode {seen}"
    if layer is MIP6MH_BU:
        for flag, name in (("A", "acknowledge"), ("H", "home-registration"),
                           ("L", "link-local-compatibility"), ("K", "key-management")):
            if bool(getattr(told.flags, flag)) != ours.get(name):
                yield f"{name}: scapy {bool(getattr(told.flags, flag))}, decode {ours.get(name)}"
    built = rebuilt(message, told)
    if built != message.octets:
        yield f"built by scapy it is {built.hex()}, captured {message.octets.hex()}"


def rebuilt(message, told):
    """The message as scapy builds it under the same headers, with a checksum of scapy's own."""
    under = IPv6(
        src=packets.address(message.source), dst=packets.address(message.destination)
    )
    if message.home_destination:
        home = packets.address(message.home_destination)
        under = under / IPv6ExtHdrRouting(type=2, addresses=[home], segleft=1)
    if message.home_source:
        home = packets.address(message.home_source)
        under = under / IPv6ExtHdrDestOpt(options=[HAO(hoa=home)])
    told = told.copy()
    told.cksum = None
    # Options stand where they stood: scapy must not align them anew.
    if hasattr(told, "autopad"):
        told.autopad = 0
    whole = bytes(under / told)
    return whole[-len(message.octets):]


def decoded_mobility(decoded):
    """Every Mobility Header `roamproof decode` printed, per frame, in order."""
    return {
        packet["number"]: [l for l in packet["layers"] if l["layer"] == "mobility"]
        for packet in decoded
    }


def verify(path, decoded):
    ours, count, faults = decoded_mobility(decoded), 0, []
    for message in packets.messages(packets.read(path)):
        if message.protocol != packets.MOBILITY:
            continue
        count += 1
        layers = ours.get(message.frame, [])
        if len(layers) != 1:
            faults.append(f"{path}: frame {message.frame}: decode shows {len(layers)} headers")
            continue
        told = disagreements(message, layers[0])
        faults.extend(f"{path}: frame {message.frame}: {line}" for line in told)
    told = sum(len(layers) for layers in ours.values())
    if told != count:
        faults.append(f"{path}: {count} Mobility Headers, decode shows {told}")
    return count, faults


def main(arguments):
    if not arguments or len(arguments) % 2:
        sys.exit(__doc__)
    wrong = []
    for path, decoded in zip(arguments[::2], arguments[1::2]):
        with open(decoded, encoding="utf-8") as file:
            count, faults = verify(path, json.load(file))
        print(json.dumps({"capture": path, "mobility": count}))
        wrong.extend(faults)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
