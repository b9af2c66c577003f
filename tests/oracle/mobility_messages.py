#!/usr/bin/env python3
"""Makes the golden octets of the Mobility Header family: headers and options by scapy, every token,
key and authenticator by hashlib and hmac. Nothing is shared with Roamproof's Rust code.

Usage: mobility_messages.py > reference/wire/src/mobility/golden.txt
       mobility_messages.py --check reference/wire/src/mobility/golden.txt

A line is `name source destination octets`, the addresses being those of the checksum's
pseudo-header, or `name octets` for a token or key. `--check` exits 1 where the file differs.
"""

import hashlib
import hmac
import ipaddress
import struct
import sys

from scapy.layers.inet6 import (
    IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, HAO, MIP6MH_BA, MIP6MH_BE, MIP6MH_BRR, MIP6MH_BU,
    MIP6MH_CoT, MIP6MH_CoTI, MIP6MH_Generic, MIP6MH_HoT, MIP6MH_HoTI, MIP6OptAltCoA,
    MIP6OptBindingAuthData, MIP6OptBRAdvice, MIP6OptMNID, MIP6OptMsgAuth, MIP6OptNonceIndices,
    MIP6OptReplayProtection, MIP6OptUnknown, Pad1, PadN,
)

HOME, HOME_AGENT = "2001:db8:a::100", "2001:db8:a::a"
CARE_OF, CORRESPONDENT = "2001:db8:f1::1f2e", "2001:db8:c::c"
SIP_SERVER, ALTERNATE = "2001:db8:5::5", "2001:db8:f2::3d4c"

KCN = bytes(range(0x21, 0x35))
HOME_NONCE, CARE_OF_NONCE = bytes.fromhex("4142434445464748"), bytes.fromhex("5152535455565758")
HOME_COOKIE, CARE_OF_COOKIE = bytes.fromhex("6162636465666768"), bytes.fromhex("7172737475767778")
MN_HA_KEY, LOOKUP_KEY = b"mobile and home agent", b"home agent and SIP server"
MN_HA_SPI, LOOKUP_SPI = 0x01020304, 0x05060708
TIMESTAMP = 0xEC9B2D01_89ABCDEF


def raw(address):
    return ipaddress.IPv6Address(address).packed


def hmac96(key, message, digest):
    return hmac.new(key, message, digest).digest()[:12]


def keygen_token(address, nonce, kind):
    return hmac.new(KCN, raw(address) + nonce + bytes([kind]), hashlib.sha1).digest()[:8]


HOME_TOKEN = keygen_token(HOME, HOME_NONCE, 0)
CARE_OF_TOKEN = keygen_token(CARE_OF, CARE_OF_NONCE, 1)
KBM = hashlib.sha1(HOME_TOKEN + CARE_OF_TOKEN).digest()
KBM_DELETION = hashlib.sha1(HOME_TOKEN).digest()


def octets(packet):
    """The Mobility Header of an IPv6 packet, whatever extension headers stand before it."""
    whole = bytes(packet)
    at, following = 40, whole[6]
    while following != 135:
        following, at = whole[at], at + 8 * (whole[at + 1] + 1)
    return whole[at:]


def signed(packet, make):
    """The packet with the last 12 octets of its Mobility Header made by `make` of those before
    them, the checksum counting as zero."""
    header = octets(packet)
    before = header[:4] + b"\0\0" + header[6:-12]
    message = packet.lastlayer()
    message.options[-1] = with_authenticator(message.options[-1], make(before))
    message.cksum = None
    return packet


def with_authenticator(option, authenticator):
    if isinstance(option, MIP6OptMsgAuth):
        option.authdata = authenticator
    else:
        option.authenticator = int.from_bytes(authenticator, "big")
    return option


def authorized(packet, key, care_of, correspondent):
    return signed(packet, lambda b: hmac96(key, raw(care_of) + raw(correspondent) + b, hashlib.sha1))


def to_home_agent(message):
    return IPv6(src=CARE_OF, dst=HOME_AGENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)]) / message


def to_correspondent(message):
    return IPv6(src=CARE_OF, dst=CORRESPONDENT) / IPv6ExtHdrDestOpt(options=[HAO(hoa=HOME)]) / message


def routed_home(source, message):
    return IPv6(src=source, dst=CARE_OF) / IPv6ExtHdrRouting(type=2, addresses=[HOME]) / message


def binding_messages():
    """(name, pseudo-header source, destination, packet)"""
    plain = MIP6MH_BU(seq=0x1234, flags="A", mhtime=0x5678, res=0)
    yield "bu", HOME, HOME_AGENT, to_home_agent(plain)

    update = MIP6MH_BU(seq=0x2345, flags="AHLK", mhtime=0x0096, res=0, autopad=0, options=[
        MIP6OptMNID(id=b"mt@example.com"), Pad1(),
        MIP6OptAltCoA(acoa=ALTERNATE), PadN(optdata=b""),
        MIP6OptReplayProtection(timestamp=TIMESTAMP), Pad1(),
        MIP6OptMsgAuth(mspi=MN_HA_SPI, authdata=b"\0" * 12),
    ])
    yield "bu-home", HOME, HOME_AGENT, signed(to_home_agent(update), lambda b: hmac96(
        MN_HA_KEY, raw(ALTERNATE) + raw(HOME) + b, hashlib.sha1))

    update = MIP6MH_BU(seq=0x3456, flags="A", mhtime=0x0069, res=0, options=[
        MIP6OptAltCoA(acoa=CARE_OF),
        MIP6OptNonceIndices(olen=4, hni=0x0708, coni=0x090A),
        MIP6OptBindingAuthData(olen=12),
    ])
    yield "bu-correspondent", HOME, CORRESPONDENT, authorized(
        to_correspondent(update), KBM, CARE_OF, CORRESPONDENT)

    deletion = MIP6MH_BU(seq=0x4567, flags="A", mhtime=0, res=0, options=[
        MIP6OptNonceIndices(olen=4, hni=0x0B0C, coni=0x0D0E), MIP6OptBindingAuthData(olen=12),
    ])
    yield "bu-deletion", HOME, CORRESPONDENT, authorized(
        IPv6(src=HOME, dst=CORRESPONDENT) / deletion, KBM_DELETION, HOME, CORRESPONDENT)

    plain = MIP6MH_BA(status=135, flags="K", seq=0x6789, mhtime=0x789A, res=0, res2=0)
    yield "ba", HOME_AGENT, HOME, routed_home(HOME_AGENT, plain)

    answer = MIP6MH_BA(status=1, flags="K", seq=0x2345, mhtime=0x0095, res=0, res2=0, autopad=0, options=[
        MIP6OptBRAdvice(rinter=0x0064), PadN(optdata=b""),
        MIP6OptReplayProtection(timestamp=TIMESTAMP), Pad1(),
        MIP6OptMsgAuth(mspi=MN_HA_SPI, authdata=b"\0" * 12),
    ])
    yield "ba-home", HOME_AGENT, HOME, signed(routed_home(HOME_AGENT, answer), lambda b: hmac96(
        MN_HA_KEY, raw(CARE_OF) + raw(HOME) + b, hashlib.sha1))

    answer = MIP6MH_BA(status=137, flags=0, seq=0x3456, mhtime=0x0068, res=0, res2=0, options=[
        MIP6OptBindingAuthData(olen=12)])
    yield "ba-correspondent", CORRESPONDENT, HOME, authorized(
        routed_home(CORRESPONDENT, answer), KBM, CARE_OF, CORRESPONDENT)

    yield "be", CORRESPONDENT, CARE_OF, IPv6(src=CORRESPONDENT, dst=CARE_OF) / MIP6MH_BE(status=1, ha=HOME)


def other_messages():
    tunnelled = {"src": HOME, "dst": CORRESPONDENT}
    direct = {"src": CARE_OF, "dst": CORRESPONDENT}
    yield "brr", CORRESPONDENT, HOME, IPv6(src=CORRESPONDENT, dst=HOME) / MIP6MH_BRR(res=0, res2=0)
    yield "brr-options", CORRESPONDENT, HOME, IPv6(src=CORRESPONDENT, dst=HOME) / MIP6MH_BRR(
        res=0, res2=0, options=[
            MIP6OptUnknown(otype=18, odata=bytes.fromhex("818283")),
            MIP6OptUnknown(otype=19, odata=bytes.fromhex("00009192939495")),
            MIP6OptUnknown(otype=200, odata=bytes.fromhex("a1a2a3a4a5")),
        ])
    yield "hoti", HOME, CORRESPONDENT, IPv6(**tunnelled) / MIP6MH_HoTI(res=0, cookie=HOME_COOKIE)
    yield "coti", CARE_OF, CORRESPONDENT, IPv6(**direct) / MIP6MH_CoTI(res=0, cookie=CARE_OF_COOKIE)
    yield "hot", CORRESPONDENT, HOME, IPv6(src=CORRESPONDENT, dst=HOME) / MIP6MH_HoT(
        res=0, index=0x0708, cookie=HOME_COOKIE, token=HOME_TOKEN)
    yield "cot", CORRESPONDENT, CARE_OF, IPv6(src=CORRESPONDENT, dst=CARE_OF) / MIP6MH_CoT(
        res=0, index=0x090A, cookie=CARE_OF_COOKIE, token=CARE_OF_TOKEN)
    yield "unknown", HOME, CORRESPONDENT, IPv6(**tunnelled) / MIP6MH_Generic(
        mhtype=200, res=0, msg=bytes.fromhex("b1b2b3b4b5b6b7b8b9ba"))
    yield "other-experiment", HOME, CORRESPONDENT, IPv6(**tunnelled) / MIP6MH_Generic(
        mhtype=11, res=0, msg=bytes.fromhex("c1c2c3c4c5c6c7c8c9ca"))


def lookup(kind, status, transaction, lifetime, second, source, destination):
    """A binding lookup message laid out octet by octet, as requirements/binding-lookup.md says."""
    body = struct.pack("!HBBHHH", 0x424C, kind, status, transaction, lifetime, 0)
    body += bytes([1, 2, 0, 0]) + bytes([18, 18, 1, 0]) + raw(HOME)
    if second:
        body += bytes([1, 2, 0, 0]) + bytes([18, 18, second[0], 0]) + raw(second[1])
    body += bytes([1, 0]) + bytes([10, 8]) + struct.pack("!Q", TIMESTAMP) + bytes([0])
    body += bytes([9, 17, 255]) + struct.pack("!I", LOOKUP_SPI)
    header_len = (6 + len(body) + 12) // 8 - 1
    before = bytes([59, header_len, 11, 0, 0, 0]) + body
    body += hmac96(LOOKUP_KEY, raw(source) + raw(destination) + before, hashlib.sha256)
    return source, destination, IPv6(src=source, dst=destination) / MIP6MH_Generic(
        mhtype=11, res=0, msg=body)


def lookup_messages():
    down, up = (HOME_AGENT, SIP_SERVER), (SIP_SERVER, HOME_AGENT)
    yield "han", *lookup(1, 0, 0x1122, 0x3344, (2, HOME_AGENT), *down)
    yield "haa", *lookup(2, 128, 0x1122, 0, None, *up)
    yield "bq", *lookup(3, 0, 0x5566, 0, None, *up)
    yield "br", *lookup(4, 0, 0x5566, 0x7788, (3, CARE_OF), *down)
    yield "br-without", *lookup(4, 2, 0x5566, 0, None, *down)
    yield "bc", *lookup(5, 0, 0x99AA, 0x0B0C, (3, ALTERNATE), *down)
    yield "bc-gone", *lookup(5, 1, 0x99AA, 0, None, *down)
    yield "bca", *lookup(6, 1, 0x99AA, 0, None, *up)


def lines():
    yield f"home-keygen-token {HOME_TOKEN.hex()}"
    yield f"care-of-keygen-token {CARE_OF_TOKEN.hex()}"
    yield f"kbm {KBM.hex()}"
    yield f"kbm-deletion {KBM_DELETION.hex()}"
    for family in (binding_messages, other_messages, lookup_messages):
        for name, source, destination, packet in family():
            yield f"{name} {source} {destination} {octets(packet).hex()}"


def main(arguments):
    text = "".join(line + "\n" for line in lines())
    if not arguments:
        sys.stdout.write(text)
        return
    if len(arguments) != 2 or arguments[0] != "--check":
        sys.exit(__doc__)
    with open(arguments[1], encoding="ascii") as golden:
        if golden.read() != text:
            sys.exit(f"{arguments[1]} is not what this script makes")


if __name__ == "__main__":
    main(sys.argv[1:])
