/* store/backup: what is copied, what is kept, what a damaged log or copy does, and the way back. */
#include "store_test.h"

#include "store/backup/backup.h"

static const char settings[] = "name = localhost\n";
static const struct backup_source sources[] = {
    {"server.conf", {(const uint8_t *)settings, sizeof settings - 1}},
};

struct world {
    struct place place;
    struct store_log *log;
    const char *to;
    struct backup_job job;
    struct backup_made made;
    struct fault f;
};

/* Segments of about 4 KB, so that there are several. */
static void open_log(struct world *w) {
    struct store_log_options options = {.segment_bytes = 4096, .block_bytes = 1024};
    assert_int_equal(store_log_open(w->place.dir, &w->place.env, &options, &w->log, NULL, &w->f),
                     ERR_OK);
}

static void add(struct world *w, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        uint8_t payload[512];
        assert_true(os_random(payload, sizeof payload));
        struct store_entry e = {.type = 1, .payload = bytes_of(payload, sizeof payload)};
        assert_int_equal(store_log_append(w->log, &e, 1, NULL, &w->f), ERR_OK);
    }
}

static struct world *world_make(void) {
    static struct world all;
    struct world *w = &all;
    *w = (struct world){.place = place_make()};
    w->to = test_dir(&w->place.arena, "backup");
    w->job = (struct backup_job){.dir = w->to,
                                 .data = w->place.dir,
                                 .version = "1",
                                 .server = "localhost",
                                 .sources = sources,
                                 .sources_n = 1};
    open_log(w);
    return w;
}

static void world_clear(struct world *w) {
    struct world drop = *w;
    store_log_close(w->log);
    struct place_part part = {&w->place, path_join(&w->place.arena, w->to, "files")};
    assert_int_equal(dir_list(part.dir, place_drop_one, &part, &w->f), ERR_OK);
    part.dir = drop.to;
    assert_int_equal(dir_list(part.dir, place_drop_one, &part, &w->f), ERR_OK);
    place_clear(&w->place);
}

static enum err make(struct world *w) {
    w->job.point = store_log_point(w->log);
    return backup_make(&w->place.env, &w->job, &w->made, &w->f);
}

static char *segment(struct world *w, unsigned number) {
    char name[40];
    snprintf(name, sizeof name, "log/%08u.seg", number);
    return place_path(&w->place, name);
}

static struct backup_manifest manifest(struct world *w) {
    struct backup_manifest m;
    assert_int_equal(backup_manifest_load(&w->place.arena, w->to, &m, &w->f), ERR_OK);
    return m;
}

static char *stored(struct world *w, const struct backup_file *file) {
    char name[2 * SHA256_SIZE + 1];
    hex_write(name, bytes_of(file->sha256, SHA256_SIZE));
    return path_join(&w->place.arena, path_join(&w->place.arena, w->to, "files"), name);
}

static void flip(const char *path, uint64_t at) {
    struct file file;
    struct fault f;
    uint8_t byte;
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_read_at(&file, at, &byte, 1, &f), ERR_OK);
    byte ^= 0x10;
    assert_int_equal(file_write_at(&file, at, bytes_of(&byte, 1), &f), ERR_OK);
    file_close(&file);
}

/* The backup as it is: restored to a folder of its own; the entries that are there. */
static enum err restore(struct world *w, uint64_t *entries) {
    struct backup_manifest m = manifest(w);
    char *dir = test_dir(&w->place.arena, "restored");
    enum err code = backup_restore_log(w->to, &m, dir, &w->f);
    struct store_log *log = NULL;
    if (code == ERR_OK) {
        assert_int_equal(store_log_open(dir, &w->place.env, NULL, &log, NULL, &w->f), ERR_OK);
        *entries = store_log_tree(log).size;
        store_log_close(log);
    }
    struct place_part part = {&w->place, path_join(&w->place.arena, dir, "log")};
    assert_int_equal(dir_list(part.dir, place_drop_one, &part, &w->f), ERR_OK);
    return code;
}

static size_t count_files(struct world *w) {
    struct backup_manifest m = manifest(w);
    for (size_t i = 0; i < m.files_n; i++)
        assert_true(file_exists(stored(w, &m.files[i])));
    return m.files_n;
}

static void copies_only_what_is_new(void **state) {
    struct world *w = world_make();
    uint64_t entries = 0;
    (void)state;
    add(w, 30);
    assert_int_equal(make(w), ERR_OK);
    uint32_t segments = w->job.point.segment;
    assert_true(segments >= 4);
    assert_int_equal(w->made.files, segments + 1);
    assert_int_equal(w->made.copied_files, segments + 1);
    assert_int_equal(restore(w, &entries), ERR_OK);
    assert_int_equal(entries, 30);

    assert_int_equal(make(w), ERR_OK);
    assert_int_equal(w->made.copied_files, 0);

    add(w, 1);
    assert_int_equal(make(w), ERR_OK);
    assert_true(w->made.copied_files <= 2); /* the last segment, or that and a new one */
    add(w, 20);
    assert_int_equal(make(w), ERR_OK);
    assert_true(w->made.copied_files >= 3 && w->made.copied_files <= 5); /* 20 of 512 in 4096 */
    assert_int_equal(count_files(w), w->job.point.segment + 1);
    assert_int_equal(restore(w, &entries), ERR_OK);
    assert_int_equal(entries, 51);
    world_clear(w);
}

/* What comes behind the point does not belong to the backup. */
static void ends_at_the_point(void **state) {
    struct world *w = world_make();
    uint64_t entries = 0;
    (void)state;
    assert_int_equal(make(w), ERR_OK); /* of an empty log */
    assert_int_equal(restore(w, &entries), ERR_OK);
    assert_int_equal(entries, 0);
    for (unsigned i = 0; i < 20; i++) {
        add(w, 1);
        w->job.point = store_log_point(w->log);
        add(w, 1);
        assert_int_equal(backup_make(&w->place.env, &w->job, &w->made, &w->f), ERR_OK);
        assert_int_equal(restore(w, &entries), ERR_OK);
        assert_int_equal(entries, 2 * i + 1);
    }
    world_clear(w);
}

static void a_damaged_log_leaves_the_one_before(void **state) {
    struct world *w = world_make();
    uint64_t entries = 0;
    (void)state;
    add(w, 30);
    assert_int_equal(make(w), ERR_OK);
    flip(segment(w, 2), 700);
    add(w, 1);
    assert_int_equal(make(w), ERR_DAMAGED);
    assert_string_equal(bytes_find(bytes_text(w->f.detail), bytes_text("00000002.seg")) == 0
                            ? "named"
                            : w->f.detail,
                        "named");
    assert_int_equal(restore(w, &entries), ERR_OK);
    assert_int_equal(entries, 30);
    world_clear(w);
}

static void a_rotten_copy_is_made_anew(void **state) {
    struct world *w = world_make();
    uint64_t entries = 0;
    (void)state;
    add(w, 30);
    assert_int_equal(make(w), ERR_OK);
    struct backup_manifest m = manifest(w);
    flip(stored(w, &m.files[1]), 99);
    assert_int_equal(restore(w, &entries), ERR_DAMAGED);
    assert_int_equal(file_remove(stored(w, &m.files[2]), &w->f), ERR_OK);
    assert_int_equal(make(w), ERR_OK);
    assert_int_equal(w->made.copied_files, 2);
    assert_int_equal(restore(w, &entries), ERR_OK);
    assert_int_equal(entries, 30);
    world_clear(w);
}

static void refuses_the_backup_of_another(void **state) {
    struct world *w = world_make();
    struct store_point early;
    (void)state;
    add(w, 2);
    early = store_log_point(w->log);
    add(w, 2);
    assert_int_equal(make(w), ERR_OK);
    w->job.server = "elsewhere";
    assert_int_equal(make(w), ERR_CONFLICT);
    w->job.server = "localhost";
    w->job.point = early;
    assert_int_equal(backup_make(&w->place.env, &w->job, &w->made, &w->f), ERR_CONFLICT);
    assert_int_equal(make(w), ERR_OK);
    world_clear(w);
}

/* A segment of another log, sound in itself, in the place of one of ours. */
static void refuses_a_log_of_two(void **state) {
    struct world *w = world_make();
    (void)state;
    add(w, 30);
    w->job.point = store_log_point(w->log);
    struct bytes two = file_all(&w->place, segment(w, 2));
    struct bytes three = file_all(&w->place, segment(w, 3));
    assert_int_equal(file_replace(segment(w, 3), two, 0600, &w->f), ERR_OK);
    assert_int_equal(backup_make(&w->place.env, &w->job, &w->made, &w->f), ERR_DAMAGED);
    assert_int_equal(file_replace(segment(w, 3), three, 0600, &w->f), ERR_OK);
    assert_int_equal(backup_make(&w->place.env, &w->job, &w->made, &w->f), ERR_OK);
    world_clear(w);
}

static void reads_small_files(void **state) {
    struct world *w = world_make();
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(make(w), ERR_OK);
    struct backup_manifest m = manifest(w);
    assert_int_equal(backup_file_read(w->to, &m, "server.conf", &out, &w->f), ERR_OK);
    assert_text(buf_bytes(&out), settings);
    assert_int_equal(backup_file_read(w->to, &m, "users", &out, &w->f), ERR_NOT_FOUND);
    flip(stored(w, &m.files[1]), 3);
    assert_int_equal(backup_file_read(w->to, &m, "server.conf", &out, &w->f), ERR_DAMAGED);
    buf_clear(&out);
    world_clear(w);
}

/* ---- manifest.json ---- */

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEAD(format, secrets)                                                                      \
    "{\"format\":" format ",\"version\":\"1\",\"time\":\"2026-01-01T00:00:00Z\",\"server\":\"s\"," \
    "\"entries\":7,\"root\":\"" HASH "\",\"secrets\":\"" secrets "\",\"files\":["
#define SEGMENT(number, entries)                                                                   \
    "{\"name\":\"log/0000000" number ".seg\",\"size\":1,\"sha256\":\"" HASH                        \
    "\",\"entries\":" entries ",\"root\":\"" HASH "\"}"
#define SMALL(name) "{\"name\":\"" name "\",\"size\":1,\"sha256\":\"" HASH "\"}"

static const struct {
    const char *text;
    enum err code;
} manifests[] = {
    {HEAD("1",               "none") SEGMENT("1",                 "7") "]}", ERR_OK},
    {HEAD("1",                "sealed") SEGMENT("1",                                                   "3") "," SEGMENT("2", "7") "],\"x\":1}", ERR_OK},
    {HEAD("1","none") SEGMENT("1","7") "," SMALL("users") "," SMALL("root.key") "]}", ERR_OK},
    {HEAD("2",                "none") SEGMENT("1",                                                   "7") "]}", ERR_UNSUPPORTED},
    {HEAD("0",                  "none") SEGMENT("1",                                                     "7") "]}", ERR_FORMAT},
    {HEAD("1",                      "none") "]}",                                                  ERR_FORMAT},
    {HEAD("1",             "none") SEGMENT("1","8") "]}", ERR_FORMAT},
    {HEAD("1",               "none") SEGMENT("2",              "7") "]}", ERR_FORMAT},
    {HEAD("1",            "none") SEGMENT("1",                                               "7") "," SEGMENT("3", "7") "]}", ERR_FORMAT},
    {HEAD("1","none") SMALL("users") "," SEGMENT("1","7") "]}", ERR_FORMAT},
    {HEAD("1",               "none") SEGMENT("1",                   "7") "," SMALL("a") "," SMALL("a") "]}", ERR_FORMAT},
    {HEAD("1",            "none") SEGMENT("1",                                               "7") "," SMALL("../users") "]}", ERR_FORMAT},
    {HEAD("1","none") SEGMENT("1",  "7") "," SMALL("a/b") "]}", ERR_FORMAT},
    {HEAD("1",                      "none") SEGMENT("1",                                                  "7") "," SMALL(".hidden") "]}", ERR_FORMAT},
    {HEAD("1",  "none") SEGMENT("1","7") "," SMALL("a\\u0000b") "]}", ERR_FORMAT},
    {HEAD("1",                      "none") SEGMENT("1",                                                  "7") "," SMALL("log/1.seg") "]}", ERR_FORMAT},
    {HEAD("1",             "none") SEGMENT("1",                                                                          "-7") "]}", ERR_FORMAT},
    {"{}",               ERR_FORMAT                },
    {"[]",            ERR_FORMAT                                              },
};

static void reads_manifests(void **state) {
    struct backup_manifest m;
    struct fault f;
    struct arena a;
    (void)state;
    arena_init(&a, 64 << 20);
    for (size_t i = 0; i < COUNT_OF(manifests); i++) {
        enum err code = backup_manifest_read(&a, bytes_text(manifests[i].text), &m, &f);
        if (code != manifests[i].code)
            print_message("row %u\n", (unsigned)i);
        assert_int_equal(code, manifests[i].code);
    }
    for (size_t n = 0; n < strlen(manifests[1].text); n++)
        assert_int_not_equal(
            backup_manifest_read(&a, bytes_part(bytes_text(manifests[1].text), 0, n), &m, &f),
            ERR_OK);
    arena_clear(&a);
}

static void keeps_secrets(void **state) {
    struct buf out;
    struct bytes name, content;
    (void)state;
    crypto_buf_init(&out, 1000);
    backup_secret_put(&out, "users", bytes_text("a"));
    backup_secret_put(&out, "root.key", bytes_text(""));
    struct cur c = cur_open(buf_bytes(&out));
    assert_true(backup_secret_take(&c, &name, &content));
    assert_text(name, "users");
    assert_text(content, "a");
    assert_true(backup_secret_take(&c, &name, &content));
    assert_text(name, "root.key");
    assert_int_equal(content.n, 0);
    assert_false(backup_secret_take(&c, &name, &content));
    assert_true(cur_end(&c));
    for (size_t n = 1; n < out.n; n++) {
        c = cur_open(bytes_part(buf_bytes(&out), 0, n));
        while (backup_secret_take(&c, &name, &content))
            ;
        assert_int_equal(cur_end(&c), n == 11);
    }
    buf_reset(&out);
    backup_secret_put(&out, "../users", bytes_text("a"));
    c = cur_open(buf_bytes(&out));
    assert_false(backup_secret_take(&c, &name, &content));
    assert_false(cur_end(&c));
    buf_clear(&out);
}

static void notes_the_last_one(void **state) {
    struct place p = place_make();
    struct backup_note note = {1767225600, "/mnt/a \"b\"", 7, 1234, true}, again;
    struct fault f;
    (void)state;
    backup_note_read(&p.arena, p.dir, &again);
    assert_int_equal(again.time_s, 0);
    assert_int_equal(backup_note_write(p.dir, &note, &f), ERR_OK);
    backup_note_read(&p.arena, p.dir, &again);
    assert_int_equal(again.time_s, note.time_s);
    assert_string_equal(again.folder, note.folder);
    assert_int_equal(again.entries, 7);
    assert_int_equal(again.bytes, 1234);
    assert_true(again.has_secrets);
    assert_int_equal(file_replace(place_path(&p, "backup"), bytes_text("{\"time\":1}"), 0600, &f),
                     ERR_OK);
    backup_note_read(&p.arena, p.dir, &again);
    assert_int_equal(again.time_s, 0);
    place_drop(&p, ".");
    place_clear(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_only_what_is_new),
        cmocka_unit_test(ends_at_the_point),
        cmocka_unit_test(a_damaged_log_leaves_the_one_before),
        cmocka_unit_test(a_rotten_copy_is_made_anew),
        cmocka_unit_test(refuses_the_backup_of_another),
        cmocka_unit_test(refuses_a_log_of_two),
        cmocka_unit_test(reads_small_files),
        cmocka_unit_test(reads_manifests),
        cmocka_unit_test(keeps_secrets),
        cmocka_unit_test(notes_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
