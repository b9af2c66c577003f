/* Writes seeds of a family into a folder, and its dictionary to standard output: seeds FAMILY FOLDER COUNT. */
#include "roamproof_fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static int put(const char *folder, const char *name, const void *octets, size_t size) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) return -1;
    size_t written = fwrite(octets, 1, size, file);
    return fclose(file) == 0 && written == size ? 0 : -1;
}

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: seeds FAMILY FOLDER COUNT\n");
        return 2;
    }
    static uint8_t data[65536];
    for (int seed = 0; seed < atoi(words[3]); seed++) {
        char name[32];
        snprintf(name, sizeof name, "seed-%d", seed);
        size_t size = roamproof_make(words[1], data, sizeof data, (uint32_t)seed);
        if (size == 0 || put(words[2], name, data, size) != 0) return 1;
    }
    size_t size = roamproof_dictionary(words[1], (char *)data, sizeof data);
    if (size == 0 || size > sizeof data) return 1;
    return fwrite(data, 1, size, stdout) == size ? 0 : 1;
}
