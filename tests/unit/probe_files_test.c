/* probe: paths. What a walk tells, what it counts, and what is gone: the accounts must
 * sum each time. Files of all kinds and a real server are in tests/peers/files_test.py. */
#include "test.h"

#include "base/file.h"
#include "base/os.h"
#include "base/process.h"
#include "base/text.h"
#include "probe/probe.h"

static struct arena arena;
static char *folder;
static struct buf der; /* of a certificate */

static char *below(const char *name) {
    return path_join(&arena, folder, name);
}

static char *deeper(const char *above, const char *name) {
    return path_join(&arena, below(above), name);
}

static void make_file(const char *path, struct bytes content) {
    struct file file;
    struct fault f;
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 0, content, &f), ERR_OK);
    file_close(&file);
}

/* "OUTCOME PATH" of each observation, its path from the folder on, slashes as elsewhere. */
struct told {
    struct buf text;
    volatile sig_atomic_t *stop;
    size_t observations, stop_at;
};

static void on_observation(void *context, const struct model_observation *o,
                           struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    struct told *t = context;
    struct bytes path = bytes_part(o->path, strlen(folder), o->path.n);
    assert_true(bytes_starts(o->path, folder));
    assert_true(bytes_equal(endpoint->endpoint.path, o->path));
    assert_int_equal(endpoint->endpoint.kind, MODEL_KIND_FILE);
    assert_int_equal(leaf != NULL, o->chain_n > 0);
    buf_printf(&t->text, "%s ", model_outcome_name(o->outcome));
    for (size_t i = 0; i < path.n; i++)
        buf_u8(&t->text, path.p[i] == (uint8_t)os_slash ? '/' : path.p[i]);
    buf_u8(&t->text, '\n');
    if (++t->observations == t->stop_at)
        *t->stop = SIGINT;
}

struct fixture {
    struct model_target targets[4];
    struct bytes known[4];
    struct probe_plan plan;
    struct model_summary summary;
    bool complete;
    volatile sig_atomic_t stop;
    size_t stop_at;
};

static void add(struct fixture *x, const char *path) {
    struct model_target *t = &x->targets[x->plan.targets_n++];
    *t = (struct model_target){.kind = MODEL_TARGET_PATH, .key = bytes_text(path)};
}

static void expect(struct fixture *x, const char *expected) {
    struct env env = env_system(&x->stop);
    struct told t = {.stop = &x->stop, .stop_at = x->stop_at};
    struct probe_watch watch = {.context = &t, .observation = on_observation};
    struct probe_limits limits = probe_limits_default();
    struct fault f = {0};
    buf_init(&t.text, 1 << 20);
    x->plan.targets = x->targets;
    x->plan.default_ports = model_ports_default();
    x->plan.scan = bytes_text("test");
    x->plan.known_paths = x->known;
    assert_int_equal(probe_run(&env, &x->plan, &limits, &watch, &x->summary, &x->complete, &f),
                     ERR_OK);
    assert_int_equal(model_summary_check(&x->summary, &f), ERR_OK);
    assert_int_equal(x->summary.faces.total, t.observations);
    assert_string_equal(buf_cstr(&t.text), expected);
    buf_clear(&t.text);
}

static void files_with_certificates_are_endpoints(void **state) {
    (void)state;
    struct fixture x = {.stop = 0};
    add(&x, below("tree"));
    expect(&x, "ok /tree/a.bin\nok /tree/sub/b.pem\n");
    assert_true(x.complete);
    assert_int_equal(x.summary.endpoints.total, 2);
    assert_int_equal(x.summary.certificates, 1);
}

/* Each file under one target only, whatever the order and the way to it. */
static void targets_may_overlap(void **state) {
    (void)state;
    struct fixture x = {.stop = 0};
    add(&x, deeper("tree", "sub"));
    add(&x, below("tree"));
    add(&x, deeper("tree", "a.bin"));
    x.known[0] = bytes_text(deeper("tree", "a.bin"));
    x.known[1] = bytes_text(path_join(&arena, deeper("tree", "sub"), "b.pem"));
    x.known[2] = bytes_text(path_join(&arena, deeper("tree", "sub"), "gone.pem"));
    x.plan.known_paths_n = 3;
    expect(&x, "ok /tree/a.bin\nok /tree/sub/b.pem\nno_certificate /tree/sub/gone.pem\n");
    assert_true(x.complete);
    assert_int_equal(x.summary.endpoints.total, 3);
}

static void what_is_named_is_told(void **state) {
    (void)state;
    struct fixture x = {.stop = 0};
    add(&x, deeper("tree", "nothing.txt"));
    add(&x, below("absent"));
    add(&x, below("empty"));
    expect(&x, "no_certificate /absent\nno_certificate /tree/nothing.txt\n");
    assert_true(x.complete);
    assert_int_equal(x.summary.endpoints.total, 2);
}

static void exclusions_hold(void **state) {
    (void)state;
    struct fixture x = {.stop = 0};
    struct model_target excluded = {.kind = MODEL_TARGET_PATH,
                                    .key = bytes_text(deeper("tree", "sub"))};
    struct model_exclusions exclusions = {&excluded, 1};
    add(&x, below("tree"));
    add(&x, deeper("tree", "sub"));
    x.plan.exclusions = &exclusions;
    expect(&x, "ok /tree/a.bin\n");
    assert_int_equal(x.summary.endpoints.total, 1);
}

/* Known before: met, gone, without its certificate now, and outside of all targets. */
static void what_was_known_is_looked_for(void **state) {
    (void)state;
    struct fixture x = {.stop = 0};
    add(&x, below("tree"));
    x.known[0] = bytes_text(below("absent"));
    x.known[1] = bytes_text(deeper("tree", "a.bin"));
    x.known[2] = bytes_text(deeper("tree", "gone.pem"));
    x.known[3] = bytes_text(deeper("tree", "nothing.txt"));
    x.plan.known_paths_n = 4;
    expect(&x, "ok /tree/a.bin\nok /tree/sub/b.pem\nno_certificate /tree/gone.pem\n"
               "no_certificate /tree/nothing.txt\n");
    assert_true(x.complete);
    assert_int_equal(x.summary.endpoints.total, 4);
}

/* Stopped within a walk: nothing is gone, and the rest was not reached; nor was the target
 * under way, since what was known below it was not looked for. */
static void an_early_end_says_nothing_of_the_rest(void **state) {
    (void)state;
    struct fixture x = {.stop = 0, .stop_at = 1};
    add(&x, below("tree"));
    add(&x, below("absent"));
    x.known[0] = bytes_text(deeper("tree", "gone.pem"));
    x.plan.known_paths_n = 1;
    expect(&x, "no_certificate /absent\n");
    assert_false(x.complete);
    assert_int_equal(x.summary.endpoints.total, 3);
    assert_int_equal(x.summary.endpoints.by_outcome[MODEL_NOT_REACHED], 2);
    struct fixture y = {.stop = 0, .stop_at = 1};
    add(&y, below("tree"));
    y.known[0] = x.known[0];
    y.plan.known_paths_n = 1;
    expect(&y, "ok /tree/a.bin\n");
    assert_false(y.complete);
    assert_int_equal(y.summary.endpoints.total, 2);
    assert_int_equal(y.summary.endpoints.by_outcome[MODEL_NOT_REACHED], 1);
}

static void text_about_pem_is_no_certificate(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool begins;
    } rows[] = {
        {"-----BEGIN CERTIFICATE-----",             true },
        {"text\n-----BEGIN CERTIFICATE-----\n",     true },
        {"text\r\n-----BEGIN CERTIFICATE-----\r\n", true },
        {"grep -----BEGIN CERTIFICATE-----",        false},
        {"\"-----BEGIN CERTIFICATE-----\"",         false},
        {"\n-----BEGIN PGP PUBLIC KEY BLOCK-----",  false},
        {"",                                        false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(pem_begins_certificate(bytes_text(rows[i].text)), rows[i].begins);
}

static int make_place(void **state) {
    (void)state;
    uint8_t salt[6] = {0};
    char name[64], hex[13];
    struct fault f;
    struct buf pem;
    arena_init(&arena, 16 << 20);
    os_random(salt, sizeof salt);
    hex_write(hex, bytes_of(salt, sizeof salt));
    snprintf(name, sizeof name, "build%ctmp%cfiles-%s", os_slash, os_slash, hex);
    folder = arena_cstr(&arena, bytes_text(name));
    buf_init(&der, 1 << 16);
    buf_init(&pem, 1 << 16);
    if (file_read("tests/data/x509/ec-P-256.der", &der, &f) ||
        dir_make(deeper("tree", "sub"), 0755, &f) || dir_make(below("empty"), 0755, &f))
        return -1;
    pem_write(&pem, "CERTIFICATE", buf_bytes(&der));
    make_file(deeper("tree", "a.bin"), buf_bytes(&der));
    make_file(path_join(&arena, deeper("tree", "sub"), "b.pem"), buf_bytes(&pem));
    make_file(deeper("tree", "nothing.txt"), bytes_text("nothing\n"));
    buf_clear(&pem);
    return 0;
}

static int drop_place(void **state) {
    (void)state;
    struct fault f;
    struct buf said;
    char line[200];
    int status;
    snprintf(line, sizeof line, "%s \"%s\"", os_has_links ? "rm -rf" : "rmdir /s /q", folder);
    buf_init(&said, PROCESS_OUTPUT_MAX);
    enum err e = process_run(line, 20000, &status, &said, &f);
    buf_clear(&said);
    buf_clear(&der);
    arena_clear(&arena);
    return e == ERR_OK ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_with_certificates_are_endpoints),
        cmocka_unit_test(targets_may_overlap),
        cmocka_unit_test(what_is_named_is_told),
        cmocka_unit_test(exclusions_hold),
        cmocka_unit_test(what_was_known_is_looked_for),
        cmocka_unit_test(an_early_end_says_nothing_of_the_rest),
        cmocka_unit_test(text_about_pem_is_no_certificate),
    };
    return cmocka_run_group_tests(tests, make_place, drop_place);
}
