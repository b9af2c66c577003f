"""A bridge in user space between a TAP and another interface, as a virtual machine's host has one.

With a third word the TAP's side is in that VLAN (IEEE 802.1Q), the other untagged.
"""

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4


def main():
    tap_name, other = sys.argv[1:3]
    tag = b"\x81\x00" + struct.pack("!H", int(sys.argv[3])) if len(sys.argv) > 3 else b""
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", tap_name.encode(), IFF_TAP | IFF_NO_PI))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.bind((other, 0))
    while True:
        ready, _, _ = select.select([tap, wire], [], [])
        if tap in ready:
            frame = os.read(tap, 65536)
            if frame[12 : 12 + len(tag)] == tag:
                wire.send(frame[:12] + frame[12 + len(tag) :])
        if wire in ready:
            frame, address = wire.recvfrom(65536)
            if address[2] != PACKET_OUTGOING:
                os.write(tap, frame[:12] + tag + frame[12:])


main()
