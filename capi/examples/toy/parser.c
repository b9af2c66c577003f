/* A toy parser of Binding Updates (RFC 6275 section 6.1.7), with one bug planted in it: an Alternate Care-of
 * Address option is copied as long as it says, where a Nonce Indices option came before it. */
#include "parser.h"

#include <stdlib.h>
#include <string.h>

/* The checksum over pseudo-header and message, RFC 8200 section 8.1; right where it is zero. */
static uint16_t sum(const uint8_t *message, size_t size) {
    static const uint8_t addresses[32] = {
        0x20, 0x01, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00,
        0x20, 0x01, 0x0d, 0xb8, 0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x0c};
    uint32_t total = 135 + (uint32_t)size;
    for (size_t at = 0; at < sizeof addresses; at += 2) total += addresses[at] << 8 | addresses[at + 1];
    for (size_t at = 0; at + 1 < size; at += 2) total += message[at] << 8 | message[at + 1];
    while (total >> 16) total = (total & 0xffff) + (total >> 16);
    return (uint16_t)~total;
}

int parse(const uint8_t *message, size_t size, struct update *update) {
    if (size < 16 || size % 8 != 0 || message[0] != 59) return -1;
    if ((size_t)(message[1] + 1) * 8 != size || message[2] != 5) return -1;
    if (sum(message, size) != 0) return -1;
    int nonces = 0;
    for (size_t at = 12; at < size;) {
        uint8_t kind = message[at];
        if (kind == 0) {
            at += 1;
            continue;
        }
        if (at + 2 > size || at + 2 + message[at + 1] > size) return -1;
        uint8_t length = message[at + 1];
        if (kind == 4 && length == 4) nonces = 1;
        if (kind == 3) {
            if (length != 16 && !nonces) return -1;
            /* The bug: with nonces the length is not looked at. */
            if (length > sizeof update->care_of) abort();
            memcpy(update->care_of, message + at + 2, length);
        }
        at += 2 + length;
    }
    return 0;
}
