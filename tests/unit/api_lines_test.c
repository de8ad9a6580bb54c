/* web/api: the NDJSON of a push, line by line. */
#include "test.h"

#include "base/file.h"
#include "base/text.h"
#include "web/api/api_private.h"

static const char observation[] =
    "{\"type\":\"observation\",\"scan\":\"s1\",\"target\":\"web.example.com\",\"kind\":\"tls\","
    "\"host\":\"web.example.com\",\"ip\":\"192.0.2.7\",\"port\":443,\"path\":null,"
    "\"protocol\":\"tls\",\"sni\":\"web.example.com\",\"asked\":\"any\","
    "\"time\":\"2026-01-01T00:00:00Z\",\"outcome\":\"refused\",\"stage\":\"connect\","
    "\"alert\":null,\"detail\":null,\"duration_ms\":12,\"tls\":null,\"chain\":[]}\n";
static const char summary[] =
    "{\"type\":\"summary\",\"scan\":\"s1\",\"time\":\"2026-01-01T00:00:09Z\",\"duration_ms\":9,"
    "\"targets\":1,\"certificates\":0,\"faces\":{\"tried\":1,\"outcomes\":{\"refused\":1}},"
    "\"endpoints\":{\"total\":1,\"states\":{\"refused\":1}}%s}\n";

/* A certificate line from a file of tests/data; `sha256` in place of its own where given. */
static void put_certificate(struct buf *out, const char *path, const char *sha256) {
    struct buf der, pem;
    struct fault f;
    uint8_t digest[SHA256_SIZE];
    buf_init(&der, 1 << 20);
    buf_init(&pem, 1 << 20);
    assert_int_equal(file_read(path, &der, &f), ERR_OK);
    pem_write(&pem, "CERTIFICATE", buf_bytes(&der));
    hash_of(HASH_SHA256, buf_bytes(&der), digest);
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_text(&j, "type", "certificate");
    if (sha256)
        json_text(&j, "sha256", sha256);
    else
        json_hex(&j, "sha256", bytes_of(digest, sizeof digest));
    json_bytes(&j, "pem", buf_bytes(&pem));
    json_end(&j, '}');
    buf_text(out, "\n");
    buf_clear(&der);
    buf_clear(&pem);
}

struct bench {
    struct arena arena;
    struct buf text;
    struct push_lines lines;
};

static enum err read_all(struct bench *b) {
    struct fault f;
    arena_init(&b->arena, 64 << 20);
    return push_lines_read(&b->arena, buf_bytes(&b->text), &b->lines, &f);
}

static void bench_clear(struct bench *b) {
    arena_clear(&b->arena);
    buf_clear(&b->text);
}

static void a_whole_push_is_read(void **state) {
    (void)state;
    struct bench b;
    buf_init(&b.text, 1 << 20);
    put_certificate(&b.text, "tests/data/x509/ec-P-256.der", NULL);
    put_certificate(&b.text, "tests/data/x509/rsa-sha256.der", NULL);
    buf_text(&b.text, observation);
    buf_text(&b.text, "\n{\"type\":\"news\",\"more\":1}\r\n");
    buf_printf(&b.text, summary, ",\"complete\":true");
    assert_int_equal(read_all(&b), ERR_OK);
    assert_int_equal(b.lines.certificates_n, 2);
    assert_int_equal(b.lines.observations_n, 1);
    assert_int_equal(b.lines.rejections_n, 0);
    assert_int_equal(b.lines.unknown_n, 1);
    assert_int_equal(b.lines.observation_lines[0], 3);
    assert_true(b.lines.has_summary);
    assert_true(b.lines.complete);
    assert_text(b.lines.observations[0].host, "web.example.com");

    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, b.lines.certificates[1].der, digest);
    assert_true(bytes_equal(b.lines.certificates[1].sha256, bytes_of(digest, sizeof digest)));
    bench_clear(&b);
}

static void a_summary_is_complete_only_by_saying_so(void **state) {
    (void)state;
    static const char *const more[] = {"", ",\"complete\":false", ",\"complete\":\"true\"",
                                       ",\"complete\":null"};
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        struct bench b;
        buf_init(&b.text, 1 << 20);
        buf_printf(&b.text, summary, more[i]);
        assert_int_equal(read_all(&b), ERR_OK);
        assert_true(b.lines.has_summary);
        assert_false(b.lines.complete);
        bench_clear(&b);
    }
}

static void bad_lines_are_rejected_singly(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum err code;
    } cases[] = {
        {"nonsense",                                                                  ERR_FORMAT},
        {"[]",                                                                        ERR_FORMAT},
        {"{}",                                                                        ERR_FORMAT},
        {"{\"type\":7}",                                                              ERR_FORMAT},
        {"{\"type\":\"certificate\"}",                                                ERR_FORMAT},
        {"{\"type\":\"certificate\",\"pem\":\"hello\"}",                              ERR_FORMAT},
        {"{\"type\":\"certificate\",\"sha256\":\"00\",\"pem\":\"\"}",                 ERR_FORMAT},
        {"{\"type\":\"certificate\",\"pem\":\"-----BEGIN CERTIFICATE-----\\n!\\n\"}", ERR_FORMAT},
        {"{\"type\":\"observation\"}",                                                ERR_FORMAT},
        {"{\"type\":\"summary\"}",                                                    ERR_FORMAT},
        {"{\"type\":\"observation\",\"type\":\"observation\"}",                       ERR_FORMAT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bench b;
        buf_init(&b.text, 1 << 20);
        buf_text(&b.text, observation);
        buf_printf(&b.text, "%s\n", cases[i].line);
        buf_text(&b.text, observation);
        assert_int_equal(read_all(&b), ERR_OK);
        assert_int_equal(b.lines.observations_n, 2);
        assert_int_equal(b.lines.observation_lines[1], 3);
        assert_int_equal(b.lines.rejections_n, 1);
        assert_int_equal(b.lines.rejections[0].line, 2);
        assert_int_equal(b.lines.rejections[0].code, cases[i].code);
        assert_true(strlen(b.lines.rejections[0].detail) > 0);
        bench_clear(&b);
    }
}

static void a_line_has_a_limit(void **state) {
    (void)state;
    struct bench b;
    buf_init(&b.text, 4 << 20);
    buf_text(&b.text, "{\"type\":\"");
    buf_fill(&b.text, 'x', PUSH_LINE_MAX);
    buf_text(&b.text, "\"}\n");
    buf_text(&b.text, observation);
    assert_int_equal(read_all(&b), ERR_OK);
    assert_int_equal(b.lines.rejections_n, 1);
    assert_int_equal(b.lines.rejections[0].code, ERR_LIMIT);
    assert_int_equal(b.lines.observations_n, 1);
    bench_clear(&b);
}

static void many_lines_are_kept_apart(void **state) {
    (void)state;
    struct bench b;
    buf_init(&b.text, 16 << 20);
    for (int i = 0; i < 3000; i++)
        buf_text(&b.text, i % 3 == 0 ? "bad\n" : observation);
    assert_int_equal(read_all(&b), ERR_OK);
    assert_int_equal(b.lines.observations_n, 2000);
    assert_int_equal(b.lines.rejections_n, 1000);
    assert_int_equal(b.lines.rejections[999].line, 2998);
    assert_int_equal(b.lines.observation_lines[1999], 3000);
    bench_clear(&b);
}

static void too_many_are_refused(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    buf_init(&b.text, 16 << 20);
    for (int i = 0; i < 400001; i++)
        buf_text(&b.text, "{\"type\":\"x\"}\n");
    arena_init(&b.arena, 64 << 20);
    assert_int_equal(push_lines_read(&b.arena, buf_bytes(&b.text), &b.lines, &f), ERR_LIMIT);
    bench_clear(&b);
}

/* Cut anywhere, what stands whole before the cut is read, and nothing else. */
static void every_prefix_fails_cleanly(void **state) {
    (void)state;
    struct buf whole;
    buf_init(&whole, 1 << 20);
    put_certificate(&whole, "tests/data/x509/ec-P-256.der", NULL);
    size_t first = whole.n;
    buf_text(&whole, observation);
    for (size_t n = 0; n < whole.n; n++) {
        struct bench b = {
            .text = {.p = whole.p, .n = n, .cap = whole.n, .max = whole.n}
        };
        assert_int_equal(read_all(&b), ERR_OK);
        assert_int_equal(b.lines.certificates_n, n + 1 >= first);
        assert_int_equal(b.lines.observations_n, n + 1 >= whole.n);
        assert_true(b.lines.rejections_n <= 1);
        arena_clear(&b.arena);
    }
    buf_clear(&whole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_push_is_read),
        cmocka_unit_test(a_summary_is_complete_only_by_saying_so),
        cmocka_unit_test(bad_lines_are_rejected_singly),
        cmocka_unit_test(a_line_has_a_limit),
        cmocka_unit_test(many_lines_are_kept_apart),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(every_prefix_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
