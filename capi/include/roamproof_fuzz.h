/* Structure-aware mutation of Mobile IPv6, ICMPv6, SIP, SDP and RTP messages for libFuzzer and AFL++.
 *
 * Families, named by a string:
 *   "mobility"  one Mobility Header, from Payload Proto on: RFC 6275, RFC 4285, binding lookup, with all their options;
 *               its checksum is that of a packet from 2001:db8:a::100 to 2001:db8:c::c
 *   "icmpv6"    one ICMPv6 message: neighbour discovery, MLDv2, errors, echo, home agent address and prefix discovery;
 *               its checksum is that of a packet from fe80::5054:ff:fe12:3456 to ff02::1
 *   "packet"    one IPv6 packet: extension headers, tunnels, fragments, and in it one of the above, or SIP or RTP in UDP;
 *               checksums are those of its own addresses, so this is for parsers that are given addresses
 *   "sip"       one SIP message with its body, as a datagram carries it
 *   "sdp"       one session description
 *   "rtp"       one RTP packet
 * Authenticators are not computed: no key is known here. A harness takes a fixed key, or none.
 *
 * Memory: every buffer is the caller's. Nothing is kept after a call, nothing returned has to be freed, and buffers of
 * one call do not overlap. Threads: calls share nothing, so any number may run at once. Results: the same arguments give the
 * same octets. Errors: a name that is no family's, and a null pointer for what is written, give zero; nothing else fails.
 */
#ifndef ROAMPROOF_FUZZ_H
#define ROAMPROOF_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many families there are. */
size_t roamproof_family_count(void);

/* Writes the name of a family, ended by a zero octet, into the `max` octets of `name`; returns its length without that,
 * zero where there is no room or no such family. */
size_t roamproof_family_name(size_t index, char *name, size_t max);

/* Writes a right message, at most `max` octets of it; returns its length. Seeds 0, 1, 2 ... make a corpus. */
size_t roamproof_make(const char *family, uint8_t *data, size_t max, uint32_t seed);

/* Turns the first `size` octets of `data` into a neighbour of at most `max_size` octets, lengths and
 * checksums mostly right; returns its length. `data` has room for the greater of both. */
size_t roamproof_mutate(const char *family, uint8_t *data, size_t size, size_t max_size, uint32_t seed);

/* Joins the front of one message and the back of another into `data`, mended, at most `max` octets; returns its length.
 * A null pointer for one of the messages is an empty one. */
size_t roamproof_cross(const char *family, const uint8_t *one, size_t one_size, const uint8_t *other,
                       size_t other_size, uint8_t *data, size_t max, uint32_t seed);

/* Writes the dictionary of a family, lines that libFuzzer's -dict and AFL++'s -x take, as far as there is
 * room, with no zero octet behind it; returns how many octets all of it has, so that a call with `max` zero asks for the room. */
size_t roamproof_dictionary(const char *family, char *text, size_t max);

#ifdef __cplusplus
}
#endif

#endif
