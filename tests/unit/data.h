/* Files of tests/data, read into memory of the test. */
#ifndef TESTS_UNIT_DATA_H
#define TESTS_UNIT_DATA_H

#include "base/file.h"
#include "tests/unit/test.h"

/* tests/data/NAME; the test fails where it is missing. Release with buf_clear. */
static inline struct buf data_file(const char *name) {
    struct buf path, content;
    struct fault f;
    buf_init(&path, 4096);
    buf_init(&content, 1 << 20);
    buf_printf(&path, "tests/data/%s", name);
    assert_int_equal(file_read(buf_cstr(&path), &content, &f), ERR_OK);
    assert_true(content.n > 0);
    buf_clear(&path);
    return content;
}

#endif
