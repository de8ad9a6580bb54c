/* base/walk: order, links and loops, what is no file, limits, many files, reading one. */
#include "test.h"

#include "base/env.h"
#include "base/file.h"
#include "base/os.h"
#include "base/process.h"
#include "base/text.h"
#include "base/walk.h"

static struct arena arena;
static char *folder;

static char *below(const char *name) {
    return path_join(&arena, folder, name);
}

/* Two levels of names, told apart by a slash, whatever the system has there. */
static char *deeper(const char *above, const char *name) {
    return path_join(&arena, below(above), name);
}

static void make_file(const char *path, const char *content) {
    struct file file;
    struct fault f;
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 0, bytes_text(content), &f), ERR_OK);
    file_close(&file);
}

static void make_folder(const char *path) {
    struct fault f;
    assert_int_equal(dir_make(path, 0755, &f), ERR_OK);
}

static void shell(const char *command, const char *path) {
    struct buf said;
    struct fault f;
    int status = -1;
    char line[5000];
    snprintf(line, sizeof line, "%s \"%s\"", command, path);
    buf_init(&said, PROCESS_OUTPUT_MAX);
    assert_int_equal(process_run(line, 60000, &status, &said, &f), ERR_OK);
    assert_int_equal(status, 0);
    buf_clear(&said);
}

/* What was told, one line each: "WHAT PATH", the folder's own path left out and
 * slashes as they are elsewhere. */
struct told {
    struct buf text;
    const char *root;
    uint64_t n, stop_at, by_what[WALK_WHAT_COUNT];
    struct walk_facts facts; /* of the last file */
};

static bool on_item(void *context, const struct walk_item *item) {
    static const char *const words[] = {"file",     "special", "again", "elsewhere",
                                        "dangling", "limit",   "failed"};
    struct told *t = context;
    const char *rest = item->path + strlen(t->root);
    assert_memory_equal(item->path, t->root, strlen(t->root));
    t->n++;
    t->by_what[item->what]++;
    if (item->what == WALK_FILE)
        t->facts = item->facts;
    assert_true((item->fault != NULL) == (item->what == WALK_LIMIT || item->what == WALK_FAILED));
    assert_true(walk_what_text(item->what)[0] != '\0');
    buf_printf(&t->text, "%s ", words[item->what]);
    for (; *rest != '\0'; rest++)
        buf_u8(&t->text, *rest == os_slash ? '/' : (uint8_t)*rest);
    buf_u8(&t->text, '\n');
    return t->n != t->stop_at;
}

static enum err run(const char *path, const struct walk_limits *limits, struct told *t) {
    struct walk_limits usual = walk_limits_default();
    struct walk *w;
    struct fault f;
    uint64_t stop_at = t->stop_at;
    *t = (struct told){.root = path, .stop_at = stop_at};
    buf_init(&t->text, 16 << 20);
    assert_int_equal(walk_open(limits ? limits : &usual, &w, &f), ERR_OK);
    enum err e = walk_run(w, path, on_item, t, &f);
    walk_close(w);
    return e;
}

static void expect(const char *path, const struct walk_limits *limits, const char *expected) {
    struct told t = {.n = 0};
    assert_int_equal(run(path, limits, &t), ERR_OK);
    assert_string_equal(buf_cstr(&t.text), expected);
    buf_clear(&t.text);
}

static void tells_files_in_order(void **state) {
    (void)state;
    make_folder(deeper("tree", "b"));
    make_file(deeper("tree", "c"), "12345");
    make_file(deeper("tree", "a.pem"), "1");
    make_file(path_join(&arena, deeper("tree", "b"), "\xc3\xa9t\xc3\xa9.pem"), "1");
    make_file(path_join(&arena, deeper("tree", "b"), "B"), "");
    make_folder(deeper("tree", "empty"));
    expect(below("tree"), NULL, "file /a.pem\nfile /b/B\nfile /b/\xc3\xa9t\xc3\xa9.pem\nfile /c\n");
    struct told t = {.n = 0};
    assert_int_equal(run(deeper("tree", "c"), NULL, &t), ERR_OK);
    assert_string_equal(buf_cstr(&t.text), "file \n");
    assert_int_equal(t.facts.size_bytes, 5);
    assert_true(t.facts.modified_s > INT64_C(1600000000));
    buf_clear(&t.text);
}

static void a_start_that_is_not_there(void **state) {
    (void)state;
    struct told t = {.n = 0};
    assert_int_equal(run(below("nothing"), NULL, &t), ERR_NOT_FOUND);
    assert_int_equal(run("", NULL, &t), ERR_NOT_FOUND);
    assert_int_equal(t.n, 0);
    struct fault f;
    assert_int_equal(walk_find(below("nothing"), &f), ERR_NOT_FOUND);
    assert_int_equal(walk_find(folder, &f), ERR_OK);
}

static void ends_where_it_is_told(void **state) {
    (void)state;
    struct told t = {.stop_at = 2};
    assert_int_equal(run(below("tree"), NULL, &t), ERR_INTERRUPTED);
    assert_int_equal(t.n, 2);
    buf_clear(&t.text);
}

static void link_to(const char *target, const char *path) {
    struct fault f;
    assert_int_equal(file_link(target, path, &f), ERR_OK);
}

static void links_and_loops(void **state) {
    (void)state;
    if (!os_has_links)
        return;
    make_folder(deeper("links", "z"));
    make_file(path_join(&arena, deeper("links", "z"), "real"), "1");
    link_to("z", deeper("links", "a"));           /* a second way */
    link_to("../links", deeper("links", "loop")); /* round */
    link_to("self", deeper("links", "self"));     /* in a circle */
    link_to("nowhere", deeper("links", "dangling"));
    link_to("z/real", deeper("links", "a94d09e5.0"));
    link_to("../tree", deeper("links", "outside"));
    link_to("/dev/null", deeper("links", "device"));
    link_to("/proc", deeper("links", "proc"));
    shell("mkfifo", deeper("links", "fifo"));
    /* Links to folders last: the file below z has its own name, not one through a. */
    expect(below("links"), NULL,
           "file /a94d09e5.0\ndangling /dangling\nspecial /device\nspecial /fifo\n"
           "dangling /self\nfile /z/real\nagain /a\nagain /loop\n"
           "file /outside/a.pem\nfile /outside/b/B\nfile /outside/b/\xc3\xa9t\xc3\xa9.pem\n"
           "file /outside/c\nelsewhere /proc\n");
}

static void a_folder_is_entered_once(void **state) {
    (void)state;
    struct walk_limits limits = walk_limits_default();
    struct walk *w;
    struct fault f;
    struct told t = {.root = below("tree")};
    buf_init(&t.text, 1 << 16);
    assert_int_equal(walk_open(&limits, &w, &f), ERR_OK);
    assert_false(walk_has_entered(w, below("tree")));
    assert_int_equal(walk_run(w, below("tree"), on_item, &t, &f), ERR_OK);
    assert_int_equal(t.by_what[WALK_FILE], 4);
    assert_true(walk_has_entered(w, deeper("tree", "b")));
    assert_false(walk_has_entered(w, below("nothing")));
    assert_int_equal(walk_run(w, deeper("tree", "b"), on_item, &t, &f), ERR_OK);
    assert_int_equal(t.by_what[WALK_FILE], 4);
    assert_int_equal(t.by_what[WALK_AGAIN], 1);
    walk_close(w);
    buf_clear(&t.text);
}

static bool not_b(void *context, const char *path) {
    size_t *asked = context;
    ++*asked;
    return strcmp(path_base(path), "b") != 0;
}

static void folders_may_be_left_out(void **state) {
    (void)state;
    size_t asked = 0;
    struct walk_limits limits = walk_limits_default();
    limits.may_enter = not_b;
    limits.context = &asked;
    expect(below("tree"), &limits, "file /a.pem\nfile /c\n");
    assert_int_equal(asked, 2);
}

static void stays_within_limits(void **state) {
    (void)state;
    struct walk_limits flat = walk_limits_default(), few = flat, narrow = flat;
    flat.depth = 1;
    few.entries = 2;
    narrow.names = 1;
    expect(below("tree"), &flat, "file /a.pem\nlimit /b\nfile /c\nlimit /empty\n");
    expect(below("tree"), &few, "file /a.pem\nlimit /b\n");
    struct told t = {.n = 0};
    assert_int_equal(run(below("tree"), &narrow, &t), ERR_OK);
    assert_true(t.by_what[WALK_LIMIT] >= 1);
    assert_true(t.by_what[WALK_FILE] <= 2);
    buf_clear(&t.text);
}

static void deep_and_long(void **state) {
    (void)state;
    char *at = below("deep"), name[201];
    memset(name, 'n', 200);
    name[200] = '\0';
    for (int i = 0; i < 70; i++)
        at = path_join(&arena, at, "d");
    make_folder(at);
    struct told t = {.n = 0};
    assert_int_equal(run(below("deep"), NULL, &t), ERR_OK);
    assert_int_equal(t.by_what[WALK_LIMIT], 1);
    assert_int_equal(t.n, 1);
    buf_clear(&t.text);
    make_folder(below("long"));
    make_file(deeper("long", name), "1");
    assert_int_equal(run(below("long"), NULL, &t), ERR_OK);
    assert_int_equal(t.by_what[WALK_FILE], 1);
    buf_clear(&t.text);
}

static void many_files_are_quick(void **state) {
    (void)state;
    unsigned files = os_has_links ? 10000 : 500; /* each takes milliseconds under Wine */
    static const volatile sig_atomic_t no_stop;
    struct env env = env_system(&no_stop);
    make_folder(below("many"));
    for (unsigned i = 0; i < files; i++) {
        char name[32];
        struct file file;
        struct fault f;
        snprintf(name, sizeof name, "f%05u", i);
        assert_int_equal(file_open(&file, deeper("many", name), FILE_APPEND, &f), ERR_OK);
        file_close(&file);
    }
    struct told t = {.n = 0};
    uint64_t begin = env.tick_ms(env.context);
    assert_int_equal(run(below("many"), NULL, &t), ERR_OK);
    assert_int_equal(t.by_what[WALK_FILE], files);
    assert_true(bytes_starts(buf_bytes(&t.text), "file /f00000\nfile /f00001\n"));
    if (os_has_links) /* what Wine takes says nothing */
        assert_true(env.tick_ms(env.context) - begin < 1000);
    buf_clear(&t.text);
}

static void index_links_are_known(void **state) {
    (void)state;
    static const struct {
        const char *path;
        bool is_link, is_index;
    } rows[] = {
        {"/etc/ssl/certs/a94d09e5.0",  true,  true },
        {"/etc/ssl/certs/a94d09e5.12", true,  true },
        {"/etc/ssl/certs/a94d09e5.r0", true,  true },
        {"/etc/ssl/certs/a94d09e5.0",  false, false},
        {"/etc/ssl/certs/a94d09e5",    true,  false},
        {"/etc/ssl/certs/a94d09e5.",   true,  false},
        {"/etc/ssl/certs/a94d09eg.0",  true,  false},
        {"/etc/ssl/certs/a94d09e5.0x", true,  false},
        {"/etc/ssl/certs/a94d.0",      true,  false},
        {"a94d09e5.pem",               true,  false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct walk_item item = {.path = rows[i].path, .is_link = rows[i].is_link};
        assert_int_equal(walk_is_index_link(&item), rows[i].is_index);
    }
}

static void reads_regular_files_only(void **state) {
    (void)state;
    struct buf out;
    struct walk_facts facts = {0};
    struct fault f;
    buf_init(&out, 5);
    assert_int_equal(walk_read(deeper("tree", "c"), &out, &facts, &f), ERR_OK);
    assert_true(bytes_is(buf_bytes(&out), "12345"));
    assert_int_equal(facts.size_bytes, 5);
    buf_clear(&out);
    buf_init(&out, 4);
    assert_int_equal(walk_read(deeper("tree", "c"), &out, &facts, &f), ERR_LIMIT);
    assert_true(bytes_is(buf_bytes(&out), "1234"));
    buf_reset(&out);
    assert_int_equal(walk_read(below("nothing"), &out, &facts, &f), ERR_NOT_FOUND);
    assert_true(walk_read(below("tree"), &out, &facts, &f) != ERR_OK);
    if (os_has_links) /* nobody writes to it: a plain read would wait for ever */
        assert_int_equal(walk_read(deeper("links", "fifo"), &out, &facts, &f), ERR_UNSUPPORTED);
    buf_clear(&out);
}

static int make_place(void **state) {
    (void)state;
    uint8_t salt[6] = {0};
    char name[64], hex[13];
    struct fault f;
    arena_init(&arena, 64 << 20);
    os_random(salt, sizeof salt);
    hex_write(hex, bytes_of(salt, sizeof salt));
    snprintf(name, sizeof name, "build%ctmp%cwalk-%s", os_slash, os_slash, hex);
    folder = arena_cstr(&arena, bytes_text(name));
    return dir_make(folder, 0700, &f) == ERR_OK ? 0 : -1;
}

static int drop_place(void **state) {
    (void)state;
    shell(os_has_links ? "rm -rf" : "rmdir /s /q", folder);
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_files_in_order),     cmocka_unit_test(a_start_that_is_not_there),
        cmocka_unit_test(ends_where_it_is_told),    cmocka_unit_test(links_and_loops),
        cmocka_unit_test(a_folder_is_entered_once), cmocka_unit_test(stays_within_limits),
        cmocka_unit_test(folders_may_be_left_out),  cmocka_unit_test(deep_and_long),
        cmocka_unit_test(many_files_are_quick),     cmocka_unit_test(index_links_are_known),
        cmocka_unit_test(reads_regular_files_only),
    };
    return cmocka_run_group_tests(tests, make_place, drop_place);
}
