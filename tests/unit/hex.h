/* Bytes of test vectors from hex text. */
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include "tests/unit/test.h"

/* Reads hex digits of either case into out; blanks are passed over. Fails the test
 * on anything else, and where out is too small. */
static inline struct bytes unhex(const char *text, uint8_t *out, size_t cap) {
    size_t digits = 0;
    for (; *text != '\0'; text++) {
        if (*text == ' ' || *text == '\n')
            continue;
        unsigned c = (unsigned char)*text;
        unsigned value = c >= '0' && c <= '9'   ? c - '0'
                         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                : 16;
        assert_true(value < 16 && digits / 2 < cap);
        out[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : out[digits / 2] | value);
        digits++;
    }
    assert_int_equal(digits % 2, 0);
    return bytes_of(out, digits / 2);
}

/* assert_memory_equal of n bytes with hex text. */
static inline void assert_hex(const uint8_t *seen, size_t n, const char *text) {
    uint8_t wanted[4096];
    struct bytes b = unhex(text, wanted, sizeof wanted);
    assert_int_equal(n, b.n);
    assert_memory_equal(seen, b.p, n);
}

#endif
