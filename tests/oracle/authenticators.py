#!/usr/bin/env python3
"""Recomputes Kbm and the authenticators of Binding Updates and Acknowledgements from a capture.

RFC 6275 5.2.5: Kbm = SHA-1(home keygen token | care-of keygen token), or SHA-1(home keygen token)
for a deletion at home. 6.2.7: Authenticator = First(96, HMAC-SHA-1(Kbm, care-of address |
correspondent | Mobility Header without the Authenticator, its checksum zero)). The tokens are read
from HoT and CoT as they crossed the links; the keys of the nodes are not known here.

Usage: authenticators.py CAPTURE...
Prints one JSON object of counts per capture; exit status 1 names every authenticator that differs
and every one for which no tokens were seen.
"""

import hashlib
import hmac
import json
import struct
import sys

import packets

HOT, COT, BINDING_UPDATE, BINDING_ACKNOWLEDGEMENT = 3, 4, 5, 6
ALTERNATE_CARE_OF, NONCE_INDICES, AUTHORIZATION_DATA = 3, 4, 5
# How many Binding Acknowledgements that refuse a nonce (136 to 138) carry no usable key.
EXPIRED = (136, 137, 138)


def options(mobility, at):
    """Mobility options from octet `at`: kind, octet of the data, data."""
    while at < len(mobility):
        if mobility[at] == 0:
            at += 1
            continue
        length = mobility[at + 1]
        yield mobility[at], at + 2, mobility[at + 2 : at + 2 + length]
        at += 2 + length


def option(mobility, wanted):
    """The first option of a kind, as (octet of the data, data)."""
    for kind, at, data in options(mobility, 12):
        if kind == wanted:
            return at, data
    return None


def kbm(home_token, care_of_token):
    """The binding management key; `care_of_token` is None for a deletion at home."""
    return hashlib.sha1(home_token + (care_of_token or b"")).digest()


def authenticator(key, care_of, correspondent, mobility, at):
    """The 12 octets that belong at octet `at` of a Mobility Header."""
    header = mobility[:4] + b"\0\0" + mobility[6:at] + mobility[at + 12 :]
    return hmac.new(key, care_of + correspondent + header, hashlib.sha1).digest()[:12]


class Exchange:
    """What was seen of return routability and bindings, link after link."""

    def __init__(self, path):
        self.path = path
        self.home, self.care_of = {}, {}  # (mobile, correspondent, nonce index) -> tokens seen
        self.updates = {}  # (home address, correspondent, sequence) -> (care-of, Kbm candidates)
        self.verified, self.faults, self.seen = {"bu": 0, "ba": 0}, [], set()

    def take(self, message):
        kind = message.octets[2]
        if kind in (HOT, COT):
            index = struct.unpack_from(">H", message.octets, 6)[0]
            tokens = self.home if kind == HOT else self.care_of
            mobile = message.home_destination or message.destination
            if kind == COT:
                mobile = message.destination
            key = (mobile, message.source, index)
            tokens.setdefault(key, []).append(message.octets[16:24])
        elif kind == BINDING_UPDATE:
            self.update(message)
        elif kind == BINDING_ACKNOWLEDGEMENT:
            self.acknowledgement(message)

    def update(self, message):
        data = option(message.octets, AUTHORIZATION_DATA)
        if data is None or len(data[1]) != 12:
            return
        at, carried = data
        sequence, _, lifetime = struct.unpack_from(">HHH", message.octets, 6)
        home = message.home_source or message.source
        correspondent = message.home_destination or message.destination
        alternate = option(message.octets, ALTERNATE_CARE_OF)
        care_of = alternate[1] if alternate else message.source
        indices = option(message.octets, NONCE_INDICES)
        if indices is None:
            self.fault(message, "a Binding Update has an authenticator and no nonce indices")
            return
        home_index, care_of_index = struct.unpack(">HH", indices[1])
        homes = self.home.get((home, correspondent, home_index), [])
        care_ofs = self.care_of.get((care_of, correspondent, care_of_index), [])
        if lifetime == 0 and care_of == home:
            care_ofs = [None]
        keys = [kbm(h, c) for h in set(homes) for c in set(care_ofs)]
        right = self.verify(message, "bu", keys, care_of, correspondent, at, carried)
        if right:
            self.updates[(home, correspondent, sequence)] = (care_of, right)

    def acknowledgement(self, message):
        data = option(message.octets, AUTHORIZATION_DATA)
        if data is None or len(data[1]) != 12:
            return
        at, carried = data
        status, sequence = message.octets[6], struct.unpack_from(">H", message.octets, 8)[0]
        home = message.home_destination or message.destination
        correspondent = message.home_source or message.source
        known = self.updates.get((home, correspondent, sequence))
        if known is None:
            if status not in EXPIRED:
                self.fault(message, "a Binding Acknowledgement answers no Binding Update seen")
            return
        care_of, key = known
        self.verify(message, "ba", [key], care_of, correspondent, at, carried)

    def verify(self, message, kind, keys, care_of, correspondent, at, carried):
        """Holds the carried authenticator against every key the captured tokens give."""
        if not keys:
            self.fault(message, f"no tokens were seen for this {kind.upper()}")
            return None
        for key in keys:
            right = authenticator(key, care_of, correspondent, message.octets, at)
            if hmac.compare_digest(right, carried):
                # One message on several links is one message.
                if carried not in self.seen:
                    self.seen.add(carried)
                    self.verified[kind] += 1
                return key
        self.fault(
            message, f"{kind.upper()} authenticator is {carried.hex()}, should be {right.hex()}"
        )
        return None

    def fault(self, message, what):
        self.faults.append(f"{self.path}: frame {message.frame}: {what}")


def main(paths):
    if not paths:
        sys.exit(__doc__)
    wrong = []
    for path in paths:
        exchange = Exchange(path)
        try:
            for message in packets.messages(packets.read(path)):
                if message.protocol == packets.MOBILITY:
                    exchange.take(message)
        except packets.Malformed as fault:
            wrong.append(f"{path}: {fault}")
            continue
        print(json.dumps({"capture": path, **exchange.verified}))
        wrong.extend(exchange.faults)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
