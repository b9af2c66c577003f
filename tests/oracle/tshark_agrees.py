#!/usr/bin/env python3
"""Holds captures, and what `roamproof decode --format json` says of them, against tshark.

tshark must read the file to its end, count as many packets, find none malformed and no wrong UDP,
TCP or ICMPv6 checksum, and have nothing to say of warning or above that is not explained in the
table "Expert messages" of captures/README.md. The fields that both show must be equal.

Usage: tshark_agrees.py README.md CAPTURE DECODED.json [CAPTURE DECODED.json]...
Prints one JSON object of counts per capture; exit status 1 names every disagreement.
"""

import json
import re
import subprocess
import sys

WARNING = 0x600000  # chat 0x2…, note 0x4…, warning 0x6…, error 0x8…
CHECKSUMS = {"udp": "udp.checksum.status", "tcp": "tcp.checksum.status",
             "icmpv6": "icmpv6.checksum.status"}
GOOD = "1"
UNVERIFIED = "2"
# tshark's field, our layer and field, and how our value becomes tshark's text.
COMPARED = [
    ("mip6.mhtype", "mobility", "type", str),
    ("mip6.hoti.cookie", "mobility Home Test Init", "cookie", lambda text: "0x" + text),
    ("mip6.coti.cookie", "mobility Care-of Test Init", "cookie", lambda text: "0x" + text),
    ("mip6.hot.cookie", "mobility Home Test", "cookie", lambda text: "0x" + text),
    ("mip6.hot.nindex", "mobility Home Test", "nonce-index", str),
    ("mip6.cot.cookie", "mobility Care-of Test", "cookie", lambda text: "0x" + text),
    ("mip6.cot.nindex", "mobility Care-of Test", "nonce-index", str),
    ("mip6.bu.seqnr", "mobility Binding Update", "sequence", str),
    ("mip6.bu.lifetime", "mobility Binding Update", "lifetime", str),
    ("mip6.bu.a_flag", "mobility Binding Update", "acknowledge", lambda flag: str(int(flag))),
    ("mip6.bu.h_flag", "mobility Binding Update", "home-registration", lambda flag: str(int(flag))),
    ("mip6.ba.status", "mobility Binding Acknowledgement", "status", str),
    ("mip6.ba.seqnr", "mobility Binding Acknowledgement", "sequence", str),
    ("mip6.ba.lifetime", "mobility Binding Acknowledgement", "lifetime", str),
    ("mip6.be.status", "mobility Binding Error", "status", str),
    ("mip6.be.haddr", "mobility Binding Error", "home-address", str),
    ("ipv6.opt.mipv6.home_address", "destination-options", "home-address", str),
    ("ipv6.routing.mipv6.home_address", "routing", "home-address", str),
    ("ipv6.src", "ipv6", "source", str),
    ("ipv6.dst", "ipv6", "destination", str),
    ("sip.CSeq", "sip", "CSeq", str),
    ("sip.Call-ID", "sip", "Call-ID", str),
]
# A connection crosses several links and is captured on each: tshark would take the copies for
# retransmissions and dissect only the first.
PREFERENCES = ["udp.check_checksum:TRUE", "tcp.check_checksum:TRUE",
               "tcp.analyze_sequence_numbers:FALSE", "tcp.desegment_tcp_streams:FALSE"]
# What we ask beside the compared fields.
ASKED = ["frame.number", *CHECKSUMS.values(), "_ws.malformed", "_ws.expert.severity",
         "_ws.expert.message"]


def tshark(path):
    """One dictionary of lists of values per packet."""
    fields = ASKED + [compared[0] for compared in COMPARED]
    command = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "occurrence=a",
               "-E", "aggregator=\x1e", "-E", "separator=\x1f"]
    for preference in PREFERENCES:
        command += ["-o", preference]
    for field in fields:
        command += ["-e", field]
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    rows = []
    for line in run.stdout.split("\n"):
        values = line.split("\x1f")
        if len(values) == len(fields):
            rows.append({f: v.split("\x1e") if v else [] for f, v in zip(fields, values)})
    return run.returncode, run.stderr, rows


def explained(readme):
    """The expert messages that captures/README.md explains: the first column of its table."""
    with open(readme, encoding="utf-8") as file:
        text = file.read()
    section = re.split(r"^#+ *Expert messages *$", text, flags=re.MULTILINE)
    if len(section) < 2:
        return []
    section = re.split(r"^#", section[1], flags=re.MULTILINE)[0]
    rows = [line.strip().strip("|").split("|") for line in section.splitlines() if "|" in line]
    return [row[0].strip().strip("`") for row in rows
            if len(row) > 1 and row[0].strip(" -") and row[1].strip(" -")]


def verify(path, decoded, allowed):
    status, said, rows = tshark(path)
    faults = []
    if status != 0:
        faults.append(f"{path}: tshark exits with {status}: {said.strip()}")
    if len(rows) != len(decoded):
        faults.append(f"{path}: tshark counts {len(rows)} packets, decode {len(decoded)}")
    counts = dict.fromkeys(CHECKSUMS, 0) | {"compared": 0}
    for row, packet in zip(rows, decoded):
        told = list(of_row(row, packet, allowed, counts))
        faults.extend(f"{path}: frame {packet['number']}: {line}" for line in told)
    return {"packets": len(rows), **counts}, faults


def of_row(row, packet, allowed, counts):
    if row["_ws.malformed"]:
        yield "tshark finds it malformed"
    for name, field in CHECKSUMS.items():
        counts[name] += len(row[field])
        # The first is the packet's own; further ones are of what an ICMPv6 error quotes, which is cut
        # short and cannot be verified.
        if any(status != GOOD and (at == 0 or status != UNVERIFIED)
               for at, status in enumerate(row[field])):
            yield f"{name} checksum status is {row[field]}"
    for severity, message in zip(row["_ws.expert.severity"], row["_ws.expert.message"]):
        if int(severity, 0) >= WARNING and not any(part in message for part in allowed):
            yield f"tshark says: {message} (not explained in captures/README.md)"
    quotes = any("quoted-source" in layer for layer in packet["layers"])
    for field, layer, name, convert in COMPARED:
        ours = [convert(value) for found in layers(packet, layer) for value in values(found, name)]
        theirs = row[field]
        if quotes:
            # tshark dissects what an ICMPv6 error quotes, too: ours must come first.
            theirs = theirs[: len(ours)]
        counts["compared"] += len(ours)
        if ours != theirs:
            yield f"{field}: tshark {theirs}, decode {ours}"


def layers(packet, wanted):
    name, _, message = wanted.partition(" ")
    for layer in packet["layers"]:
        if layer["layer"] == name and (not message or layer.get("message") == message):
            yield layer


def values(layer, name):
    value = layer.get(name, [])
    return value if isinstance(value, list) else [value]


def main(arguments):
    if len(arguments) < 3 or len(arguments) % 2 == 0:
        sys.exit(__doc__)
    allowed, wrong = explained(arguments[0]), []
    for path, decoded in zip(arguments[1::2], arguments[2::2]):
        with open(decoded, encoding="utf-8") as file:
            counts, faults = verify(path, json.load(file), allowed)
        print(json.dumps({"capture": path, **counts}))
        wrong.extend(faults)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
