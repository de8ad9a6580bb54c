/* ers: the file of requests is read as it was written, and damage is named. */
#include "test.h"

#include "applets/ers/requests.h"

#define ID "0123456789abcdef0123456789abcdef"
#define ENTRY                                                                                      \
    "{\"id\":\"" ID "\",\"dns\":\"a.example,b.example\",\"ip\":\"\",\"key_type\":\"ec-p256\","     \
    "\"out\":\"/etc/ssl/a\",\"format\":\"pem\",\"reload\":\"echo \\\"x\\\\y\\\" \\u0026\","        \
    "\"state\":\"pending\",\"not_before\":0,\"not_after\":0}\n"

static void reads_what_it_wrote(void **state) {
    (void)state;
    struct arena a;
    struct requests r, again;
    struct fault f = {0};
    struct buf first, second;
    arena_init(&a, 1 << 20);
    buf_init(&first, 4096);
    buf_init(&second, 4096);
    assert_int_equal(requests_parse(&a, bytes_text(ENTRY "\n"), "r", &r, &f), ERR_OK);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.items[0].reload, "echo \"x\\y\" &");
    assert_null(r.items[0].owner);
    assert_true(request_is(&r.items[0], "pending"));
    assert_true(request_has_name(&r.items[0], "B.example"));
    assert_true(request_has_name(&r.items[0], "/etc/ssl/a"));
    assert_false(request_has_name(&r.items[0], "a.exampl"));
    assert_ptr_equal(requests_for(&r, "/etc/ssl/a"), &r.items[0]);
    assert_null(requests_for(&r, "/etc/ssl"));
    r.items[0].state = "failed";
    r.items[0].not_after_s = 1801440000;
    r.items[0].outcome = "{\"installed\":false}";
    r.items[0].outcome_id = ID;
    assert_true(requests_have_outcomes(&r));
    requests_put(&r, &first);
    assert_int_equal(requests_parse(&a, buf_bytes(&first), "r", &again, &f), ERR_OK);
    requests_put(&again, &second);
    assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
    assert_int_equal(again.items[0].not_after_s, 1801440000);
    assert_int_equal(requests_parse(&a, bytes_text(""), "r", &again, &f), ERR_OK);
    assert_int_equal(again.n, 0);
    buf_clear(&first);
    buf_clear(&second);
    arena_clear(&a);
}

/* Every part of a file is an entry less or is refused. */
static void damage_is_named(void **state) {
    (void)state;
    static const char *const bad[] = {
        "x\n",
        "[]\n",
        "{}\n",
        ENTRY ENTRY, /* two for a folder */
        "{\"id\":\"../../etc\",\"dns\":\"\",\"ip\":\"\",\"key_type\":\"\",\"out\":\"/\","
        "\"format\":\"pem\",\"state\":\"pending\"}\n",
        "{\"id\":\"" ID "\",\"dns\":\"\",\"ip\":\"\",\"key_type\":\"\",\"out\":\"/\","
        "\"format\":\"pem\",\"state\":\"odd\"}\n",
        "{\"id\":\"" ID "\",\"dns\":\"\",\"ip\":\"\",\"key_type\":\"\",\"out\":\"/\","
        "\"format\":\"pem\",\"state\":\"pending\",\"reload\":7}\n",
        "{\"id\":\"" ID "\",\"dns\":\"\",\"ip\":\"\",\"key_type\":\"\",\"out\":\"/a\\u0000b\","
        "\"format\":\"pem\",\"state\":\"pending\"}\n",
    };
    struct arena a;
    struct requests r;
    struct fault f = {0};
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(requests_parse(&a, bytes_text(bad[i]), "r", &r, &f), ERR_DAMAGED);
        assert_non_null(strstr(f.detail, i == 3 ? "line 2" : "line 1"));
    }
    for (size_t n = 1; n + 1 < sizeof ENTRY - 1; n++) {
        arena_reset(&a);
        assert_int_equal(requests_parse(&a, bytes_of(ENTRY, n), "r", &r, &f), ERR_DAMAGED);
    }
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(damage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
