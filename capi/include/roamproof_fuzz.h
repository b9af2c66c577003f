/* Structure-aware mutation of Mobile IPv6, ICMPv6, SIP, SDP and RTP messages for libFuzzer and AFL++.
 *
 * A family is named by a string: "mobility" (one Mobility Header), "packet" (one IPv6 packet), "icmpv6",
 * "sip", "sdp", "rtp". Nothing is allocated for the caller and nothing is kept between calls; the same
 * arguments give the same result. A name that is no family's, and a null pointer, give zero.
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

/* Writes the name of a family, ended by a zero octet; returns its length without that. */
size_t roamproof_family_name(size_t index, char *name, size_t max);

/* Writes a right message, at most `max` octets of it; returns its length. Seeds 0, 1, 2 ... make a corpus. */
size_t roamproof_make(const char *family, uint8_t *data, size_t max, uint32_t seed);

/* Turns the first `size` octets of `data` into a neighbour of at most `max_size` octets, lengths and
 * checksums mostly right; returns its length. `data` has room for the greater of both. */
size_t roamproof_mutate(const char *family, uint8_t *data, size_t size, size_t max_size, uint32_t seed);

/* Joins the front of one message and the back of another into `data`, mended; returns its length. */
size_t roamproof_cross(const char *family, const uint8_t *one, size_t one_size, const uint8_t *other,
                       size_t other_size, uint8_t *data, size_t max, uint32_t seed);

/* Writes the dictionary of a family, lines that libFuzzer's -dict and AFL++'s -x take, as far as there is
 * room; returns how many octets all of it has. */
size_t roamproof_dictionary(const char *family, char *text, size_t max);

#ifdef __cplusplus
}
#endif

#endif
