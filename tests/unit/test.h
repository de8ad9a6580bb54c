/* What every unit test includes: cmocka in the order it wants, and views. */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* Compares a view with a C string, printing both when they differ. */
#define assert_text(view, text)                                                                    \
    do {                                                                                           \
        struct bytes seen_ = (view);                                                               \
        char seen_text_[512];                                                                      \
        snprintf(seen_text_, sizeof seen_text_, "%.*s", (int)seen_.n, (const char *)seen_.p);      \
        assert_string_equal(seen_text_, text);                                                     \
        assert_int_equal(seen_.n, strlen(text));                                                   \
    } while (0)

#endif
