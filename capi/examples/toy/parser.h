/* A toy parser of Binding Updates. */
#ifndef TOY_PARSER_H
#define TOY_PARSER_H

#include <stddef.h>
#include <stdint.h>

struct update {
    uint8_t care_of[16];
};

/* Reads a Binding Update from 2001:db8:a::100 to 2001:db8:c::c; -1 where it is none. */
int parse(const uint8_t *message, size_t size, struct update *update);

#endif
