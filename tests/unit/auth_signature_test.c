/* web/auth: signed requests: the clock, the digest, the nonce, what is covered. */
#include "auth_test.h"

/* A request, signed as an agent does. */
struct signed_request {
    struct signing_key *key;
    struct buf spki, digest, input, value;
    struct auth_signed rq;
};

static void sign(struct bench *b, struct signed_request *s, struct signing_key *key,
                 const char *target, const char *body, int64_t created_s, uint8_t nonce_byte) {
    uint8_t nonce[SIGNATURE_NONCE_SIZE];
    memset(nonce, nonce_byte, sizeof nonce);
    *s = (struct signed_request){.key = key};
    struct buf *all[] = {&s->spki, &s->digest, &s->input, &s->value};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        buf_init(all[i], 4096);
    signing_key_spki(key, &s->spki);
    content_digest_write(bytes_text(body), &s->digest);
    s->rq = (struct auth_signed){.method = bytes_text("POST"),
                                 .target = bytes_text(target),
                                 .content_digest = buf_bytes(&s->digest),
                                 .content_encoding = bytes_text("gzip"),
                                 .body = bytes_text(body),
                                 .has_body = true};
    struct signature_message m = signature_message_of(s->rq.method, s->rq.target,
                                                      s->rq.content_digest, s->rq.content_encoding);
    assert_int_equal(signature_sign(key, &m, created_s, nonce, &s->input, &s->value), ERR_OK);
    s->rq.signature_input = buf_bytes(&s->input);
    s->rq.signature = buf_bytes(&s->value);
    (void)b;
}

static void unsign(struct signed_request *s) {
    buf_clear(&s->spki);
    buf_clear(&s->digest);
    buf_clear(&s->input);
    buf_clear(&s->value);
}

static enum err check(struct bench *b, const struct signed_request *s, struct fault *f) {
    struct signature_params params;
    uint8_t keyid[AUTH_KEYID_SIZE], expected[AUTH_KEYID_SIZE];
    enum err code = auth_signature_read(b->auth, &s->rq, &params, keyid, f);
    if (code != ERR_OK)
        return code;
    hash_of(HASH_SHA256, buf_bytes(&s->spki), expected);
    assert_memory_equal(keyid, expected, sizeof keyid);
    return auth_signature_check(b->auth, &s->rq, &params, buf_bytes(&s->spki), f);
}

static struct signing_key *key_make(struct bench *b) {
    struct signing_key *key;
    struct fault f;
    assert_int_equal(signing_key_make(&b->env, KEY_EC_P256, 0, &key, &f), ERR_OK);
    return key;
}

static void good_once_only(void **state) {
    (void)state;
    struct bench b;
    struct signed_request s;
    struct fault f;
    bench_make(&b);
    struct signing_key *key = key_make(&b);
    sign(&b, &s, key, "/api/v1/observations?batch=1", "body", b.now_ms / 1000, 1);
    assert_int_equal(check(&b, &s, &f), ERR_OK);
    assert_int_equal(check(&b, &s, &f), ERR_CREDENTIALS);
    assert_string_equal(f.what, "nonce");
    bench_reopen(&b); /* a restart forgets nothing */
    assert_int_equal(check(&b, &s, &f), ERR_CREDENTIALS);
    assert_string_equal(f.what, "nonce");
    unsign(&s);
    sign(&b, &s, key, "/api/v1/observations?batch=1", "body", b.now_ms / 1000, 2);
    assert_int_equal(check(&b, &s, &f), ERR_OK);
    unsign(&s);
    signing_key_close(key);
    bench_clear(&b);
}

/* What an attacker may alter, and a request that was not signed at all. */
static void alterations_are_refused(void **state) {
    (void)state;
    struct bench b;
    struct signed_request s;
    struct fault f;
    bench_make(&b);
    struct signing_key *key = key_make(&b), *other = key_make(&b);
    sign(&b, &s, key, "/api/v1/observations?batch=1", "body", b.now_ms / 1000, 1);
    const struct auth_signed whole = s.rq;
    struct buf digest;
    buf_init(&digest, 256);
    content_digest_write(bytes_text("b0dy"), &digest);

    for (unsigned i = 0; i < 9; i++) {
        s.rq = whole;
        switch (i) {
        case 0:
            s.rq.method = bytes_text("PUT");
            break;
        case 1:
            s.rq.target = bytes_text("/api/v1/observations?batch=2");
            break;
        case 2:
            s.rq.target = bytes_text("/api/v1/observations");
            break;
        case 3:
            s.rq.body = bytes_text("b0dy");
            break;
        case 4:
            s.rq.body = bytes_text("b0dy");
            s.rq.content_digest = buf_bytes(&digest);
            break;
        case 5:
            s.rq.content_digest = bytes_of(NULL, 0);
            break;
        case 6:
            s.rq.content_encoding = bytes_of(NULL, 0);
            break;
        case 7:
            s.rq.signature = bytes_of(NULL, 0);
            break;
        default:
            s.rq.signature_input = bytes_of(NULL, 0);
            break;
        }
        assert_int_equal(check(&b, &s, &f), ERR_CREDENTIALS);
    }
    /* Another's key does not fit the keyid that was signed. */
    s.rq = whole;
    struct signature_params params;
    uint8_t keyid[AUTH_KEYID_SIZE];
    struct buf spki;
    buf_init(&spki, 1024);
    signing_key_spki(other, &spki);
    assert_int_equal(auth_signature_read(b.auth, &s.rq, &params, keyid, &f), ERR_OK);
    assert_int_equal(auth_signature_check(b.auth, &s.rq, &params, buf_bytes(&spki), &f),
                     ERR_CREDENTIALS);
    /* And all the failures did not use the nonce up. */
    assert_int_equal(check(&b, &s, &f), ERR_OK);
    buf_clear(&spki);
    buf_clear(&digest);
    unsign(&s);
    signing_key_close(key);
    signing_key_close(other);
    bench_clear(&b);
}

static void the_clock_is_told_apart(void **state) {
    (void)state;
    static const struct {
        int off_s;
        enum err code;
    } cases[] = {
        {-301,   ERR_CLOCK},
        {-300,   ERR_OK   },
        {0,      ERR_OK   },
        {300,    ERR_OK   },
        {301,    ERR_CLOCK},
        {-86400, ERR_CLOCK},
    };
    struct bench b;
    struct fault f;
    bench_make(&b);
    struct signing_key *key = key_make(&b);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct signed_request s;
        sign(&b, &s, key, "/", "", b.now_ms / 1000 + cases[i].off_s, (uint8_t)i);
        assert_int_equal(check(&b, &s, &f), cases[i].code);
        unsign(&s);
    }
    signing_key_close(key);
    bench_clear(&b);
}

/* Whenever a signature still counts, its nonce is still known. */
static void nonces_are_kept_long_enough(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    bench_make(&b);
    struct signing_key *key = key_make(&b);
    for (int at = 0; at < 1300; at += 130) {
        struct signed_request s;
        int64_t start_ms = b.now_ms;
        sign(&b, &s, key, "/", "", b.now_ms / 1000 + 299, (uint8_t)(at / 130));
        assert_int_equal(check(&b, &s, &f), ERR_OK);
        for (int later = 1; later < 599; later += 23) {
            b.now_ms = start_ms + later * 1000;
            assert_int_equal(check(&b, &s, &f), ERR_CREDENTIALS);
            if (later % 5 == 0)
                bench_reopen(&b);
        }
        b.now_ms = start_ms + 600 * 1000;
        assert_int_equal(check(&b, &s, &f), ERR_CLOCK);
        b.now_ms = start_ms + 130 * 1000;
        unsign(&s);
    }
    signing_key_close(key);
    bench_clear(&b);
}

/* To the very second, also over a restart. */
static void nonces_outlive_a_restart_to_the_second(void **state) {
    (void)state;
    struct bench b;
    struct signed_request s;
    struct fault f;
    bench_make(&b);
    struct signing_key *key = key_make(&b);
    sign(&b, &s, key, "/", "", b.now_ms / 1000 + AUTH_CLOCK_S, 1);
    assert_int_equal(check(&b, &s, &f), ERR_OK);
    b.now_ms += 2 * AUTH_CLOCK_S * 1000;
    bench_reopen(&b);
    assert_int_equal(check(&b, &s, &f), ERR_CREDENTIALS);
    unsign(&s);
    signing_key_close(key);
    bench_clear(&b);
}

/* The head came in time; the body took so long that nonces of then are forgotten. */
static void a_slow_body_makes_no_replay(void **state) {
    (void)state;
    struct bench b;
    struct signed_request s;
    struct signature_params params;
    struct fault f;
    uint8_t keyid[AUTH_KEYID_SIZE];
    bench_make(&b);
    struct signing_key *key = key_make(&b);
    sign(&b, &s, key, "/", "body", b.now_ms / 1000, 1);
    assert_int_equal(auth_signature_read(b.auth, &s.rq, &params, keyid, &f), ERR_OK);
    b.now_ms += (AUTH_CLOCK_S + 1) * 1000;
    assert_int_equal(auth_signature_check(b.auth, &s.rq, &params, buf_bytes(&s.spki), &f),
                     ERR_CLOCK);
    unsign(&s);
    signing_key_close(key);
    bench_clear(&b);
}

/* A clock that was far ahead and set right: nonces are forgotten as before. */
static void a_clock_set_back_does_not_fill_the_memory(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    uint8_t keyid[AUTH_KEYID_SIZE] = {1};
    bench_make(&b);
    b.now_ms += INT64_C(1000) * 86400 * 1000;
    bench_reopen(&b);
    b.now_ms -= INT64_C(1000) * 86400 * 1000;
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(nonces_add(b.auth, keyid, bytes_of(&i, sizeof i), &f), ERR_OK);
        b.now_ms += 60 * 1000;
    }
    assert_true(b.auth->nonces.now.n + b.auth->nonces.before.n <= 20);
    bench_clear(&b);
}

static void many_nonces_are_told_apart(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    uint8_t keyid[AUTH_KEYID_SIZE] = {1};
    bench_make(&b);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(nonces_add(b.auth, keyid, bytes_of(&i, sizeof i), &f), ERR_OK);
    bench_reopen(&b);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(nonces_add(b.auth, keyid, bytes_of(&i, sizeof i), &f), ERR_CREDENTIALS);
    keyid[0] = 2; /* another agent may use the same ones */
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(nonces_add(b.auth, keyid, bytes_of(&i, sizeof i), &f), ERR_OK);
    bench_clear(&b);
}

static void a_torn_record_is_ignored(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    struct file file;
    uint64_t size;
    uint8_t keyid[AUTH_KEYID_SIZE] = {1};
    bench_make(&b);
    assert_int_equal(nonces_add(b.auth, keyid, bytes_text("first nonce"), &f), ERR_OK);
    assert_int_equal(nonces_add(b.auth, keyid, bytes_text("second nonce"), &f), ERR_OK);
    const char *path = path_join(&b.arena, b.dir, "nonces");
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_size(&file, &size, &f), ERR_OK);
    assert_int_equal(size, 48);
    assert_int_equal(file_truncate(&file, 40, &f), ERR_OK);
    file_close(&file);
    bench_reopen(&b);
    assert_int_equal(nonces_add(b.auth, keyid, bytes_text("first nonce"), &f), ERR_CREDENTIALS);
    assert_int_equal(nonces_add(b.auth, keyid, bytes_text("second nonce"), &f), ERR_OK);
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_once_only),
        cmocka_unit_test(alterations_are_refused),
        cmocka_unit_test(the_clock_is_told_apart),
        cmocka_unit_test(nonces_are_kept_long_enough),
        cmocka_unit_test(nonces_outlive_a_restart_to_the_second),
        cmocka_unit_test(a_slow_body_makes_no_replay),
        cmocka_unit_test(a_clock_set_back_does_not_fill_the_memory),
        cmocka_unit_test(many_nonces_are_told_apart),
        cmocka_unit_test(a_torn_record_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
