/* What the tests of web/auth share: a folder, and a clock that stands still until told. */
#ifndef TESTS_UNIT_AUTH_TEST_H
#define TESTS_UNIT_AUTH_TEST_H

#include "test_dir.h"

#include "base/os.h"
#include "base/text.h"
#include "web/auth/auth_private.h"

struct bench {
    struct arena arena;
    struct env env;
    struct auth *auth;
    char *dir;
    int64_t now_ms;
    uint64_t tick_ms;
};

static int64_t bench_now(void *context) {
    return ((struct bench *)context)->now_ms;
}

static uint64_t bench_tick(void *context) {
    return ((struct bench *)context)->tick_ms;
}

static bool bench_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static inline void bench_open(struct bench *b) {
    struct fault f;
    assert_int_equal(auth_open(&b->env, b->dir, &b->auth, &f), ERR_OK);
}

static inline void bench_reopen(struct bench *b) {
    auth_close(b->auth);
    bench_open(b);
}

static inline void bench_make(struct bench *b) {
    *b = (struct bench){.env = env_system(NULL), .now_ms = INT64_C(1764000000000), .tick_ms = 5000};
    b->env.now_ms = bench_now;
    b->env.tick_ms = bench_tick;
    b->env.random = bench_random;
    b->env.context = b;
    arena_init(&b->arena, 1 << 20);
    b->dir = test_dir(&b->arena, "auth");
    bench_open(b);
}

static inline void bench_clear(struct bench *b) {
    static const char *const files[] = {"users", "tokens", "nonces"};
    struct fault f;
    auth_close(b->auth);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_int_equal(file_remove(path_join(&b->arena, b->dir, files[i]), &f), ERR_OK);
    arena_clear(&b->arena);
}

#endif
