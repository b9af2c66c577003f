/* The mutator as AFL++ loads it: a shared library, named by AFL_CUSTOM_MUTATOR_LIBRARY. */
#include "roamproof_fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 65536 };

/* AFL++ keeps what is returned and gives it back with every call. */
void *afl_custom_init(void *afl, unsigned int seed) {
    (void)afl;
    srand(seed);
    return malloc(ROOM);
}

void afl_custom_deinit(void *room) { free(room); }

size_t afl_custom_fuzz(void *room, uint8_t *in, size_t size, uint8_t **out, uint8_t *other, size_t other_size, size_t max) {
    const char *family = getenv("ROAMPROOF_FAMILY");
    if (!family) family = "mobility";
    if (max > ROOM) max = ROOM;
    if (size > max) size = max;
    *out = room;
    /* One time in eight AFL++'s second input is made use of. */
    if (other_size > 0 && rand() % 8 == 0)
        return roamproof_cross(family, in, size, other, other_size, room, max, (uint32_t)rand());
    memcpy(room, in, size);
    return roamproof_mutate(family, room, size, max, (uint32_t)rand());
}
