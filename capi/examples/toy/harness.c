/* The harness around the toy parser: what a vendor writes around his own. */
#include "parser.h"

#ifdef WITH_ROAMPROOF
#include "roamproof_fuzz.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
    return roamproof_mutate("mobility", data, size, max_size, seed);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct update update;
    parse(data, size, &update);
    return 0;
}
