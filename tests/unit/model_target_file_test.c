/* model/target_file, list, passes: what people write is kept, what is wrong is named. */
#include "test_dir.h"

#include "base/file.h"
#include "base/os.h"
#include "model/passes.h"
#include "model/target_file.h"

static struct arena arena;
static char *folder;

static const char sample[] = "# servers of the office\r\n"
                             "\n"
                             "default ports 8000-9000,9443   # agreed in May\n"
                             "mail.example.com 443,465 protocol=smtp   # owner: post\n"
                             "  Web.Example.com\n"
                             "198.51.100.0/24\n"
                             "exclude 198.51.100.7\n"
                             "exclude mail.example.com 465\n"
                             "10.0.0.0/8 443 yes-large\n"
                             "\"/srv/my \"\"best\"\" certs\"\n"
                             "/etc/ssl\n"
                             "default. 443 sni=X.example\n"
                             "[2001:db8::1]:8443 9443";

static struct model_target_file parse(const char *text) {
    struct model_target_file file;
    struct fault f = {.code = ERR_OK};
    enum err e = model_target_file_parse(&arena, bytes_text(text), "targets", &file, &f);
    if (e != ERR_OK)
        print_error("%s\n", f.detail);
    assert_int_equal(e, ERR_OK);
    return file;
}

static void expect_text(const struct model_target_file *file, const char *text) {
    struct buf out;
    buf_init(&out, 1 << 20);
    model_target_file_write(file, &out);
    assert_text(buf_bytes(&out), text);
    buf_clear(&out);
}

static void reads_what_people_write(void **state) {
    (void)state;
    struct model_target_file file = parse(sample);
    static const char *const keys[] = {
        "mail.example.com",       "web.example.com", "198.51.100.0/24", "10.0.0.0/8",
        "/srv/my \"best\" certs", "/etc/ssl",        "default",         "2001:db8::1"};
    assert_int_equal(file.targets_n, COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        assert_text(file.targets[i].key, keys[i]);
        assert_ptr_equal(model_target_file_find(&file, bytes_text(keys[i])), &file.targets[i]);
    }
    assert_int_equal(file.excluded_n, 2);
    assert_int_equal(model_ports_count(&file.default_ports), 1002);
    assert_int_equal(file.targets[0].protocol, MODEL_SMTP);
    assert_false(file.targets[1].has_ports);
    assert_true(file.targets[3].is_large_wanted);
    assert_text(file.targets[6].sni, "x.example");
    assert_int_equal(model_ports_count(&file.targets[7].ports), 2);
    assert_null(model_target_file_find(&file, bytes_text("nope")));
}

static void unchanged_lines_keep_their_bytes(void **state) {
    (void)state;
    struct model_target_file file = parse(sample);
    char whole[sizeof sample + 1];
    snprintf(whole, sizeof whole, "%s\n", sample);
    expect_text(&file, whole);
}

static void changes_touch_their_lines_only(void **state) {
    (void)state;
    struct model_target_file file = parse("# top\n"
                                          "a.example 443   # one\n"
                                          "b.example   \n"
                                          "# between\n"
                                          "exclude c.example\n");
    struct model_target t = *model_target_file_find(&file, bytes_text("a.example"));
    assert_int_equal(model_ports_read(&arena, bytes_text("8443"), &t.ports, NULL), ERR_OK);
    t.protocol = MODEL_IMAP;
    assert_int_equal(model_target_file_put(&file, &t, NULL), ERR_OK);
    assert_int_equal(
        model_target_read(&arena, bytes_text("exclude"), MODEL_FORMS_LINE, &t, NULL, NULL), ERR_OK);
    assert_int_equal(model_target_file_put(&file, &t, NULL), ERR_OK);
    assert_int_equal(
        model_target_read(&arena, bytes_text("/srv/x \"y\" #z"), MODEL_FORMS_LINE, &t, NULL, NULL),
        ERR_OK);
    assert_int_equal(model_target_file_put(&file, &t, NULL), ERR_OK);
    assert_int_equal(
        model_target_read(&arena, bytes_text("10.0.0.1:25"), MODEL_FORMS_LINE, &t, NULL, NULL),
        ERR_OK);
    assert_int_equal(model_target_file_put_excluded(&file, &t, NULL), ERR_OK);
    struct model_ports ports;
    assert_int_equal(model_ports_read(&arena, bytes_text("1-3"), &ports, NULL), ERR_OK);
    assert_int_equal(model_target_file_set_default(&file, &ports, NULL), ERR_OK);
    assert_true(model_target_file_remove(&file, bytes_text("b.example")));
    assert_false(model_target_file_remove(&file, bytes_text("b.example")));
    expect_text(&file, "# top\n"
                       "default ports 1-3\n"
                       "a.example 8443 protocol=imap  # one\n"
                       "# between\n"
                       "exclude c.example\n"
                       "exclude.\n"
                       "\"/srv/x \"\"y\"\" #z\"\n"
                       "exclude 10.0.0.1 25\n");
    ports = model_ports_default();
    assert_int_equal(model_target_file_set_default(&file, &ports, NULL), ERR_OK);
    assert_true(model_target_file_remove_excluded(&file, bytes_text("c.example")));
    assert_true(model_target_file_remove(&file, bytes_text("exclude")));
    expect_text(&file, "# top\n"
                       "a.example 8443 protocol=imap  # one\n"
                       "# between\n"
                       "\"/srv/x \"\"y\"\" #z\"\n"
                       "exclude 10.0.0.1 25\n");
    assert_int_equal(file.targets_n, 2);
    assert_int_equal(file.excluded_n, 1);
}

static const struct {
    const char *text, *say;
} bad[] = {
    {"a.example\n\nfoo!bar\n",                    "line 3: \"foo!bar\""                            },
    {"a.example 70000\n",                         "line 1: \"70000\""                              },
    {"a.example protocol=gopher\n",               "\"gopher\""                                     },
    {"a.example sni=foo!\n",                      "line 1"                                         },
    {"a.example color=red\n",                     "\"color=red\""                                  },
    {"a.example\nA.example.\n",                   "line 2: \"a.example\" stands in an earlier line"},
    {"198.51.100.0/24\n198.51.100.9/24\n",        "line 2: \"198.51.100.0/24\""                    },
    {"default 443\n",                             "default ports LIST"                             },
    {"default ports\n",                           "empty"                                          },
    {"default ports 443\ndefault ports 80\n",     "line 2"                                         },
    {"exclude\n",                                 "line 1"                                         },
    {"exclude a.example protocol=smtp\n",         "\"protocol=smtp\""                              },
    {"exclude a.example\nexclude a.example 25\n", "line 2"                                         },
    {"10.0.0.0/8\n",                              "--yes-large"                                    },
    {"\"/srv/x\n",                                "quotes"                                         },
    {"\"/srv/x\"y\n",                             "quotes"                                         },
    {"/srv/my certs\n",                           "quote a path"                                   },
    {"/srv protocol=smtp\n",                      "path"                                           },
    {"https://a.example/\n",                      "URL"                                            },
    {"a.example \"443\n",                         "quotes"                                         },
};

static void names_the_bad_line(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct model_target_file file;
        struct fault f = {.code = ERR_OK};
        enum err e = model_target_file_parse(&arena, bytes_text(bad[i].text), "targets", &file, &f);
        if (e != ERR_FORMAT || strstr(f.detail, bad[i].say) == NULL)
            print_error("%s -> %s\n", bad[i].text, f.detail);
        assert_int_equal(e, ERR_FORMAT);
        assert_non_null(strstr(f.detail, bad[i].say));
        assert_non_null(strstr(f.detail, "targets, line "));
    }
}

/* Cut anywhere, it is read or refused, and what is read is written and read again the same. */
static void every_prefix_is_read_or_refused(void **state) {
    (void)state;
    for (size_t n = 0; n < sizeof sample; n++) {
        struct model_target_file file, again;
        struct buf out;
        if (model_target_file_parse(&arena, bytes_of(sample, n), "t", &file, NULL) != ERR_OK)
            continue;
        buf_init(&out, 1 << 16);
        model_target_file_write(&file, &out);
        assert_int_equal(model_target_file_parse(&arena, buf_bytes(&out), "t", &again, NULL),
                         ERR_OK);
        assert_int_equal(again.targets_n, file.targets_n);
        assert_int_equal(again.excluded_n, file.excluded_n);
        buf_clear(&out);
    }
}

static void many_targets_are_found(void **state) {
    (void)state;
    struct model_target_file file = parse("");
    char name[32];
    for (int i = 0; i < 3000; i++) {
        struct model_target t;
        snprintf(name, sizeof name, "h%d.example", i % 2000);
        assert_int_equal(
            model_target_read(&arena, bytes_text(name), MODEL_FORM_NAME, &t, NULL, NULL), ERR_OK);
        assert_int_equal(model_target_file_put(&file, &t, NULL), ERR_OK);
    }
    assert_int_equal(file.targets_n, 2000);
    for (int i = 0; i < 2000; i += 3) {
        snprintf(name, sizeof name, "h%d.example", i);
        assert_true(model_target_file_remove(&file, bytes_text(name)));
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "h%d.example", i);
        assert_int_equal(model_target_file_find(&file, bytes_text(name)) != NULL, i % 3 != 0);
    }
}

static struct model_items list(const char *text, enum model_blanks blanks, enum err expected) {
    struct model_items items = {NULL, 0, 0};
    struct fault f;
    assert_int_equal(model_list_read(&arena, bytes_text(text), blanks, NULL, &items, &f), expected);
    return items;
}

static void splits_lists(void **state) {
    (void)state;
    struct fault f;
    char at[300];
    const char *path = path_join(&arena, folder, "list");
    struct model_items items = list(" a.example , b.example c,,", MODEL_BLANKS_SEPARATE, ERR_OK);
    assert_int_equal(items.n, 3);
    assert_text(items.items[1], "b.example");
    items = list("/srv/my certs , /b", MODEL_BLANKS_BELONG, ERR_OK);
    assert_int_equal(items.n, 2);
    assert_text(items.items[0], "/srv/my certs");
    list("", MODEL_BLANKS_SEPARATE, ERR_USAGE);
    list(" , ,", MODEL_BLANKS_SEPARATE, ERR_USAGE);
    list("@", MODEL_BLANKS_SEPARATE, ERR_USAGE);
    list("@-", MODEL_BLANKS_SEPARATE, ERR_USAGE);
    list("@build/tmp/there-is-none", MODEL_BLANKS_SEPARATE, ERR_USAGE);

    assert_int_equal(file_replace(path,
                                  bytes_text("# all\na.example, b.example # two\r\n\nc.example\n"),
                                  0600, &f),
                     ERR_OK);
    snprintf(at, sizeof at, "x.example,@%s,y.example", path);
    items = list(at, MODEL_BLANKS_SEPARATE, ERR_OK);
    assert_int_equal(items.n, 5);
    assert_text(items.items[2], "b.example");
    assert_text(items.items[3], "c.example");
    assert_text(items.items[4], "y.example");
    assert_int_equal(file_replace(path, bytes_text("a\n@other\n"), 0600, &f), ERR_OK);
    list(at, MODEL_BLANKS_SEPARATE, ERR_USAGE); /* not nested */
    assert_int_equal(file_replace(path, bytes_text("# nothing\n"), 0600, &f), ERR_OK);
    snprintf(at, sizeof at, "@%s", path);
    list(at, MODEL_BLANKS_SEPARATE, ERR_USAGE);
}

static void reads_files(void **state) {
    (void)state;
    struct model_target_file file;
    struct fault f;
    char *path = path_join(&arena, folder, "targets");
    assert_int_equal(model_target_file_read(&arena, path, &file, &f), ERR_OK);
    assert_int_equal(file.targets_n, 0);
    assert_int_equal(model_ports_count(&file.default_ports), 9);
    assert_int_equal(file_replace(path,
                                  bytes_text("\xef\xbb\xbf"
                                             "a.example\nnot ok!\n"),
                                  0600, &f),
                     ERR_OK);
    assert_int_equal(model_target_file_read(&arena, path, &file, &f), ERR_FORMAT);
    assert_non_null(strstr(f.detail, path));
    assert_non_null(strstr(f.detail, "line 2"));
}

static void passes_are_kept_by_key(void **state) {
    (void)state;
    struct model_passes p;
    struct fault f;
    int64_t time_s = 0;
    char *path = path_join(&arena, folder, "passes");
    const struct bytes first[] = {bytes_text("mail.example.com"), bytes_text("/srv/my certs")};
    const struct bytes second[] = {bytes_text("10.0.0.0/24"), bytes_text("mail.example.com")};
    assert_int_equal(model_passes_read(&arena, path, &p, &f), ERR_OK);
    assert_int_equal(p.n, 0);
    assert_false(model_passes_find(&p, first[0], &time_s));
    assert_int_equal(model_passes_record(path, &p, first, 2, 1767225600, &f), ERR_OK);
    assert_int_equal(model_passes_read(&arena, path, &p, &f), ERR_OK);
    assert_int_equal(model_passes_record(path, &p, second, 2, 1767225660, &f), ERR_OK);
    assert_int_equal(model_passes_read(&arena, path, &p, &f), ERR_OK);
    assert_int_equal(p.n, 3);
    assert_true(model_passes_find(&p, first[1], &time_s));
    assert_int_equal(time_s, 1767225600);
    assert_true(model_passes_find(&p, first[0], &time_s));
    assert_int_equal(time_s, 1767225660);
    assert_false(model_passes_find(&p, bytes_text("mail.example"), &time_s));
    assert_int_equal(
        file_replace(path, bytes_text("2026-01-01T00:00:00Z a\nyesterday b\n"), 0600, &f), ERR_OK);
    assert_int_equal(model_passes_read(&arena, path, &p, &f), ERR_DAMAGED);
    assert_non_null(strstr(f.detail, "line 2"));
}

static int make_folder(void **state) {
    (void)state;
    arena_init(&arena, (size_t)64 << 20);
    folder = test_dir(&arena, "targets");
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_people_write),
        cmocka_unit_test(unchanged_lines_keep_their_bytes),
        cmocka_unit_test(changes_touch_their_lines_only),
        cmocka_unit_test(names_the_bad_line),
        cmocka_unit_test(every_prefix_is_read_or_refused),
        cmocka_unit_test(many_targets_are_found),
        cmocka_unit_test(splits_lists),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(passes_are_kept_by_key),
    };
    return cmocka_run_group_tests(tests, make_folder, close_arena);
}
