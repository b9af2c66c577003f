"""Captures read and IPv6 packets walked, in plain Python: nothing shared with Roamproof's Rust code.

A capture is a list of frames; a frame is walked through every IPv6 header it holds (tunnels too) to
upper-layer messages. Fragments are put together again per link. What an ICMPv6 error quotes is not
walked: it may be cut.
"""

import ipaddress
import struct
from dataclasses import dataclass, field

MOBILITY, UDP, TCP, ICMPV6, IPV6, NONE = 135, 17, 6, 58, 41, 59
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
HOME_ADDRESS_OPTION = 0xC9


class Malformed(Exception):
    """A capture or a packet is not what it should be."""


@dataclass
class Frame:
    """One frame: its number as tshark counts, the name of its link, its Ethernet octets."""

    number: int
    link: str
    octets: bytes


@dataclass
class Message:
    """An upper-layer message and the IPv6 headers right before it."""

    frame: int
    protocol: int
    octets: bytes
    source: bytes  # as on the wire
    destination: bytes  # as on the wire
    home_source: bytes | None  # of the Home Address option
    home_destination: bytes | None  # of the type 2 routing header
    depth: int  # tunnels around it
    extensions: list = field(default_factory=list)  # next header values passed, in order

    @property
    def checksum_source(self):
        """RFC 6275 11.3.1, 6.1.1: the home address stands for the source."""
        return self.home_source or self.source

    @property
    def checksum_destination(self):
        """RFC 8200 8.1: the final destination counts."""
        return self.home_destination or self.destination

    def checksum(self, octets=None):
        """The checksum over the pseudo-header and the message: 0 where it is right."""
        octets = self.octets if octets is None else octets
        pseudo = self.checksum_source + self.checksum_destination
        pseudo += struct.pack(">I3xB", len(octets), self.protocol)
        return internet_checksum(pseudo + octets)


def internet_checksum(octets):
    """RFC 1071, computed the slow and plain way."""
    if len(octets) % 2:
        octets += b"\0"
    total = sum(high << 8 | low for high, low in zip(octets[::2], octets[1::2]))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(octets):
    return str(ipaddress.IPv6Address(octets))


def read(path):
    """The frames of a pcapng or classic pcap file of Ethernet frames."""
    with open(path, "rb") as file:
        octets = file.read()
    if octets[:4] == b"\x0a\x0d\x0d\x0a":
        return list(_pcapng(octets))
    if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1"):
        return list(_pcap(octets, "<"))
    if octets[:4] in (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d"):
        return list(_pcap(octets, ">"))
    raise Malformed(f"{path}: not a capture, begins with {octets[:4].hex(' ')}")


def _pcap(octets, order):
    if struct.unpack_from(order + "I", octets, 20)[0] & 0xFFFF != 1:
        raise Malformed("not an Ethernet capture")
    at, number = 24, 0
    while at < len(octets):
        kept = struct.unpack_from(order + "I", octets, at + 8)[0]
        number += 1
        yield Frame(number, "capture", octets[at + 16 : at + 16 + kept])
        at += 16 + kept


def _pcapng(octets):
    at, number, order, names = 0, 0, "<", []
    while at < len(octets):
        if octets[at : at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if octets[at + 8 : at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            names = []
        kind, length = struct.unpack_from(order + "II", octets, at)
        if length < 12 or length % 4 or at + length > len(octets):
            raise Malformed(f"octet {at}: a block of {length} octets")
        body = octets[at + 8 : at + length - 4]
        if kind == 1:
            if struct.unpack_from(order + "H", body)[0] != 1:
                raise Malformed(f"octet {at}: not an Ethernet interface")
            names.append(_interface_name(body[8:], order) or f"interface-{len(names)}")
        elif kind == 6:
            interface, _, _, kept = struct.unpack_from(order + "IIII", body)
            number += 1
            yield Frame(number, names[interface], body[20 : 20 + kept])
        at += length


def _interface_name(options, order):
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(order + "HH", options, at)
        if code == 0:
            return None
        if code == 2:
            return options[at + 4 : at + 4 + length].decode()
        at += 4 + (length + 3) // 4 * 4
    return None


def messages(frames):
    """Every upper-layer message of every frame, tunnels opened, fragments put together."""
    fragments = {}
    for frame in frames:
        if frame.octets[12:14] == b"\x86\xdd":
            yield from _packet(frame, frame.octets[14:], 0, fragments)


def _packet(frame, octets, depth, fragments):
    if len(octets) < 40 or octets[0] >> 4 != 6:
        raise Malformed(f"frame {frame.number}: no IPv6 header at depth {depth}")
    length, following, _ = struct.unpack_from(">HBB", octets, 4)
    source, destination = octets[8:24], octets[24:40]
    if len(octets) < 40 + length:
        raise Malformed(f"frame {frame.number}: payload length {length}, {len(octets) - 40} there")
    rest = octets[40 : 40 + length]
    state = _Chain(frame, source, destination, depth, fragments)
    yield from state.walk(following, rest)


class _Chain:
    """The extension headers of one IPv6 packet."""

    def __init__(self, frame, source, destination, depth, fragments):
        self.frame, self.depth, self.fragments = frame, depth, fragments
        self.source, self.destination = source, destination
        self.home_source = self.home_destination = None
        self.extensions = []

    def walk(self, following, rest):
        while following in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION):
            self.extensions.append(following)
            if following == FRAGMENT:
                whole = self._fragment(rest)
                if whole is None:
                    return
                following, rest = whole
                continue
            size = (rest[1] + 1) * 8 if len(rest) >= 2 else 8
            if len(rest) < size:
                raise Malformed(f"frame {self.frame.number}: extension header {following} cut")
            header, kind = rest[:size], following
            following, rest = header[0], rest[size:]
            if kind == DESTINATION:
                self._options(header[2:])
            elif kind == ROUTING and header[2] == 2 and header[3] == 1 and size == 24:
                self.home_destination = header[8:24]
        if following == IPV6:
            yield from _packet(self.frame, rest, self.depth + 1, self.fragments)
        elif following == MOBILITY:
            yield self._mobility(rest)
        elif following != NONE:
            yield self._message(following, rest)

    def _mobility(self, rest):
        size = (rest[1] + 1) * 8 if len(rest) >= 2 else 8
        if size != len(rest):
            raise Malformed(f"frame {self.frame.number}: Mobility Header {size}, {len(rest)} there")
        return self._message(MOBILITY, rest)

    def _message(self, protocol, rest):
        return Message(
            self.frame.number, protocol, rest, self.source, self.destination,
            self.home_source, self.home_destination, self.depth, list(self.extensions),
        )

    def _options(self, options):
        at = 0
        while at < len(options):
            if options[at] == 0:
                at += 1
                continue
            length = options[at + 1]
            if options[at] == HOME_ADDRESS_OPTION and length == 16:
                self.home_source = options[at + 2 : at + 18]
            at += 2 + length

    def _fragment(self, rest):
        following, field_, identification = rest[0], struct.unpack_from(">H", rest, 2)[0], rest[4:8]
        offset, more = field_ & 0xFFF8, field_ & 1
        if not offset and not more:
            return following, rest[8:]
        key = (self.frame.link, self.source, self.destination, identification)
        parts = self.fragments.setdefault(key, {})
        parts[offset] = (following, rest[8:], more)
        whole, at = b"", 0
        while at in parts:
            following, piece, more = parts[at]
            whole, at = whole + piece, at + len(piece)
            if not more:
                del self.fragments[key]
                return parts[0][0], whole
        return None
