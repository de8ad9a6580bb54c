/* A folder of the test's own below build/tmp. */
#ifndef TESTS_UNIT_TEST_DIR_H
#define TESTS_UNIT_TEST_DIR_H

#include "test.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

/* Its path, in the arena: build/tmp/KIND-RANDOM. */
static inline char *test_dir(struct arena *a, const char *kind) {
    uint8_t salt[8];
    char name[64], hex[2 * sizeof salt + 1];
    struct fault f;
    assert_true(os_random(salt, sizeof salt));
    hex_write(hex, bytes_of(salt, sizeof salt));
    snprintf(name, sizeof name, "build/tmp/%s-%s", kind, hex);
    assert_int_equal(dir_make(name, 0700, &f), ERR_OK);
    char *dir = arena_cstr(a, bytes_text(name));
    assert_non_null(dir);
    return dir;
}

#endif
