#!/usr/bin/env python3
"""Makes captures/scapy-route-optimization.pcapng: a whole route optimization laid out by scapy.

No code of Roamproof had a hand in it: scapy writes the headers and the checksums, Python's hmac the
authenticators. Equal at every run.

Usage: make_scapy_capture.py OUT.pcapng    (scapy of tests/requirements.txt)
"""

import hashlib
import hmac
import logging
import socket
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.layers.inet import TCP, UDP  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    HAO, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, MIP6MH_BA, MIP6MH_BE,
    MIP6MH_BRR, MIP6MH_BU, MIP6MH_CoT, MIP6MH_CoTI, MIP6MH_HoT, MIP6MH_HoTI, MIP6OptAltCoA,
    MIP6OptBindingAuthData, MIP6OptBRAdvice, MIP6OptMsgAuth, MIP6OptNonceIndices,
    MIP6OptReplayProtection,
)
from scapy.layers.l2 import Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402
from scapy.utils import PcapNgWriter  # noqa: E402

HOME, CARE_OF = "2001:db8:a::100", "2001:db8:f1::100"
CORRESPONDENT, HOME_AGENT = "2001:db8:c::c", "2001:db8:a::a"
HOME_TOKEN, CARE_OF_TOKEN = bytes(range(0x10, 0x18)), bytes(range(0x20, 0x28))
KBM = hashlib.sha1(HOME_TOKEN + CARE_OF_TOKEN).digest()
START, STEP = 1_000_000_000, 0.001


def from_home(message):
    options = IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)])
    return IPv6(src=CARE_OF, dst=CORRESPONDENT) / options / message


def to_home(message):
    routing = IPv6ExtHdrRouting(type=2, addresses=[HOME], segleft=1)
    return IPv6(src=CORRESPONDENT, dst=CARE_OF) / routing / message


def authorized(under, message):
    """The packet with its Binding Authorization Data, the last option, filled in."""
    def build(authenticator):
        number = int.from_bytes(authenticator, "big")
        last = MIP6OptBindingAuthData(olen=12, authenticator=number)
        whole = message.copy()
        whole.options = message.options + [last]
        return under(whole)

    mobility = bytes(build(bytes(12)))[64:]  # behind the fixed header and one extension of 24
    data = socket.inet_pton(socket.AF_INET6, CARE_OF)
    data += socket.inet_pton(socket.AF_INET6, CORRESPONDENT)
    data += mobility[:4] + b"\0\0" + mobility[6:-12]
    return build(hmac.new(KBM, data, hashlib.sha1).digest()[:12])


def packets():
    tunnel_out = IPv6(src=CARE_OF, dst=HOME_AGENT)
    tunnel_in = IPv6(src=HOME_AGENT, dst=CARE_OF)
    home = IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)])
    yield tunnel_out / home / MIP6MH_BU(seq=0x0102, flags="AH", mhtime=150, options=[
        MIP6OptAltCoA(acoa=CARE_OF), MIP6OptReplayProtection(timestamp=0xE1A2A3A4A5A6A7A8),
        MIP6OptMsgAuth(subtype=1, mspi=0x1001, authdata=bytes(range(0x30, 0x3C)))])
    yield tunnel_in / IPv6ExtHdrRouting(type=2, addresses=[HOME], segleft=1) / MIP6MH_BA(
        seq=0x0102, status=1, mhtime=149, options=[MIP6OptBRAdvice(rinter=100)])
    yield tunnel_out / IPv6(src=HOME, dst=CORRESPONDENT) / MIP6MH_HoTI(cookie=b"abcdefgh")
    yield IPv6(src=CARE_OF, dst=CORRESPONDENT) / MIP6MH_CoTI(mhtype=2, cookie=b"ABCDEFGH")
    yield tunnel_in / IPv6(src=CORRESPONDENT, dst=HOME) / MIP6MH_HoT(
        index=258, cookie=b"abcdefgh", token=HOME_TOKEN)
    yield IPv6(src=CORRESPONDENT, dst=CARE_OF) / MIP6MH_CoT(
        mhtype=4, index=772, cookie=b"ABCDEFGH", token=CARE_OF_TOKEN)
    yield authorized(from_home, MIP6MH_BU(seq=0x1234, flags="A", mhtime=105, options=[
        MIP6OptNonceIndices(olen=4, hni=258, coni=772)]))
    yield authorized(to_home, MIP6MH_BA(seq=0x1234, status=0, mhtime=105, options=[]))
    yield from_home(UDP(sport=49170, dport=49172) / Raw(bytes.fromhex("8000a1a2a3a4a5a6a7a8a9aa")))
    yield to_home(TCP(sport=5060, dport=49152, flags="A") / Raw(b"keep"))
    yield IPv6(src=CORRESPONDENT, dst=CARE_OF) / ICMPv6EchoRequest(id=3, seq=4, data=b"zz")
    yield IPv6(src=CORRESPONDENT, dst=CARE_OF) / MIP6MH_BE(status=1, ha=HOME)
    yield to_home(MIP6MH_BRR(res2=0))


def main(out):
    with PcapNgWriter(out) as writer:
        for number, packet in enumerate(packets()):
            frame = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
            frame = Ether(bytes(frame))
            frame.time = START + number * STEP
            writer.write(frame)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
