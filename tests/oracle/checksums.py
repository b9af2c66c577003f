#!/usr/bin/env python3
"""Verifies every Mobility Header, UDP, TCP and ICMPv6 checksum of captures, in plain Python.

tshark does not verify the Mobility Header's checksum, so nobody else would. Through tunnels, with
the Home Address option's address as source (RFC 6275 11.3.1) and the final destination of a type 2
routing header.

Usage: checksums.py CAPTURE...
Prints one JSON object of counts per capture; exit status 1 names every wrong checksum.
"""

import json
import sys

import packets

CHECKSUM_AT = {packets.MOBILITY: 4, packets.UDP: 6, packets.TCP: 16, packets.ICMPV6: 2}
NAMES = {
    packets.MOBILITY: "mobility", packets.UDP: "udp", packets.TCP: "tcp", packets.ICMPV6: "icmpv6",
}


def verify(path):
    """Counts per protocol, and a line per wrong checksum."""
    counts, faults = dict.fromkeys(NAMES.values(), 0), []
    for message in packets.messages(packets.read(path)):
        at = CHECKSUM_AT.get(message.protocol)
        if at is None:
            continue
        name = NAMES[message.protocol]
        counts[name] += 1
        carried = message.octets[at : at + 2]
        if len(carried) < 2:
            faults.append(f"{path}: frame {message.frame}: {name} header is cut")
        elif message.protocol == packets.UDP and carried == b"\0\0":
            faults.append(f"{path}: frame {message.frame}: udp checksum is zero (RFC 8200 8.1)")
        elif message.checksum():
            zeroed = message.octets[:at] + b"\0\0" + message.octets[at + 2 :]
            right = message.checksum(zeroed)
            faults.append(
                f"{path}: frame {message.frame}: {name} checksum is 0x{carried.hex()}, "
                f"should be 0x{right:04x}"
            )
    return counts, faults


def main(paths):
    if not paths:
        sys.exit(__doc__)
    wrong = []
    for path in paths:
        try:
            counts, faults = verify(path)
        except packets.Malformed as fault:
            wrong.append(f"{path}: {fault}")
            continue
        print(json.dumps({"capture": path, **counts}))
        wrong.extend(faults)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
