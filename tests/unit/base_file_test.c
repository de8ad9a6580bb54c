/* base/file, base/os: replacing, limits, locks, folders. */
#include "test_dir.h"

#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"

#include <uv.h>

static struct arena arena;
static char *folder;

static char *below(const char *name) {
    return path_join(&arena, folder, name);
}

static bool text_is(const char *path, const char *expected) {
    struct buf b;
    struct fault f;
    buf_init(&b, 1000);
    bool same = file_read(path, &b, &f) == ERR_OK && bytes_is(buf_bytes(&b), expected);
    buf_clear(&b);
    return same;
}

static void replaces_whole_files(void **state) {
    (void)state;
    struct fault f;
    char *path = below("a.conf");
    assert_int_equal(file_replace(path, bytes_text("one"), 0600, &f), ERR_OK);
    assert_true(text_is(path, "one"));
    assert_int_equal(file_replace(path, bytes_text(""), 0600, &f), ERR_OK);
    assert_true(text_is(path, ""));
    assert_int_equal(file_replace(below("no/such"), bytes_text("x"), 0600, &f), ERR_NOT_FOUND);
    assert_true(strstr(f.detail, "no/such") != NULL);
}

static void close_later(void *file) {
    uv_sleep(150);
    file_close(file);
}

/* Windows refuses that as long as the file is open: it has to be tried again. */
static void replaces_what_is_being_read(void **state) {
    (void)state;
    struct fault f;
    struct file reader;
    char *path = below("read.conf");
    assert_int_equal(file_replace(path, bytes_text("old"), 0644, &f), ERR_OK);
    assert_int_equal(file_open(&reader, path, FILE_READ, &f), ERR_OK);
    struct thread *thread = thread_start(close_later, &reader);
    assert_non_null(thread);
    assert_int_equal(file_replace(path, bytes_text("new"), 0644, &f), ERR_OK);
    thread_join(thread);
    assert_true(text_is(path, "new"));
}

static void reads_up_to_a_limit(void **state) {
    (void)state;
    struct fault f;
    struct buf b;
    char *path = below("limit");
    assert_int_equal(file_replace(path, bytes_text("12345"), 0600, &f), ERR_OK);
    buf_init(&b, 4);
    assert_int_equal(file_read(path, &b, &f), ERR_LIMIT);
    buf_clear(&b);
    buf_init(&b, 5);
    assert_int_equal(file_read(path, &b, &f), ERR_OK);
    buf_clear(&b);
    assert_int_equal(file_read(below("absent"), &b, &f), ERR_NOT_FOUND);
    assert_int_equal(file_read(folder, &b, &f), ERR_IO); /* a folder is no file */
    buf_clear(&b);
}

static void files_by_parts(void **state) {
    (void)state;
    struct fault f;
    struct file file;
    uint64_t size = 0;
    uint8_t out[4];
    assert_int_equal(file_open(&file, below("parts"), FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 0, bytes_text("abcdef"), &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 2, bytes_text("XY"), &f), ERR_OK);
    assert_int_equal(file_sync(&file, &f), ERR_OK);
    assert_int_equal(file_read_at(&file, 1, out, 4, &f), ERR_OK);
    assert_memory_equal(out, "bXYe", 4);
    assert_int_equal(file_read_at(&file, 4, out, 4, &f), ERR_DAMAGED);
    assert_int_equal(file_truncate(&file, 3, &f), ERR_OK);
    assert_int_equal(file_size(&file, &size, &f), ERR_OK);
    assert_int_equal(size, 3);
    file_close(&file);
}

static void one_holds_the_lock(void **state) {
    (void)state;
    struct fault f;
    struct os_lock first, second;
    assert_int_equal(os_lock_open(&first, below("lock"), &f), ERR_OK);
    assert_int_equal(os_lock_open(&second, below("lock"), &f), ERR_LOCKED);
    os_lock_close(&first);
    assert_int_equal(os_lock_open(&second, below("lock"), &f), ERR_OK);
    os_lock_close(&second);
}

struct names {
    char text[100];
};

static bool add_name(void *context, const char *name, bool is_dir) {
    struct names *names = context;
    size_t n = strlen(names->text);
    snprintf(names->text + n, sizeof names->text - n, "%s%s ", name, is_dir ? "/" : "");
    return true;
}

static void folders_are_made_and_listed(void **state) {
    (void)state;
    struct fault f;
    struct names names = {""};
    assert_int_equal(dir_make(below("x/y/z"), 0700, &f), ERR_OK);
    assert_int_equal(dir_make(below("x/y/z"), 0700, &f), ERR_OK);
    assert_int_equal(file_replace(below("x/b"), bytes_text(""), 0600, &f), ERR_OK);
    assert_int_equal(file_replace(below("x/a"), bytes_text(""), 0600, &f), ERR_OK);
    assert_int_equal(dir_list(below("x"), add_name, &names, &f), ERR_OK);
    assert_string_equal(names.text, "a b y/ ");
    assert_int_equal(dir_list(below("none"), add_name, &names, &f), ERR_NOT_FOUND);
    assert_int_equal(dir_make(below("x/a/b"), 0700, &f), ERR_NOT_FOUND); /* a file in the way */
    assert_int_equal(file_remove(below("x/a"), &f), ERR_OK);
    assert_int_equal(file_remove(below("x/a"), &f), ERR_OK);
    assert_string_equal(path_base("C:\\bin\\ers.exe"), "ers.exe");
    assert_string_equal(path_base("/usr/bin/ers"), "ers");
    assert_string_equal(path_base("ers"), "ers");
}

static void full_paths_are_resolved(void **state) {
    (void)state;
    struct fault f;
    assert_int_equal(dir_make(below("full/y"), 0700, &f), ERR_OK);
    const char *direct = path_full(&arena, below("full"));
    assert_non_null(direct);
    assert_string_equal(path_full(&arena, below("full/y/..")), direct);
    assert_true(strlen(direct) > strlen(below("full")));
    assert_null(path_full(&arena, below("full/none")));
}

static int make_folder(void **state) {
    (void)state;
    arena_init(&arena, 1u << 20);
    folder = test_dir(&arena, "file");
    return 0;
}

static int free_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

static void links_turn_in_one_step(void **state) {
    (void)state;
    struct fault f;
    char *link = below("turn");
    assert_null(file_link_read(&arena, link));
    if (!os_has_links) {
        assert_int_equal(file_link("one", link, &f), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(file_link("one", link, &f), ERR_OK);
    assert_string_equal(file_link_read(&arena, link), "one");
    assert_int_equal(file_link("two", link, &f), ERR_OK);
    assert_string_equal(file_link_read(&arena, link), "two");
    assert_int_equal(file_replace(link, bytes_text("a file now"), 0600, &f), ERR_OK);
    assert_null(file_link_read(&arena, link));
    assert_int_equal(file_link("one", link, &f), ERR_OK); /* in a file's place */
    assert_string_equal(file_link_read(&arena, link), "one");
    assert_int_equal(file_link("one", below("no/such"), &f), ERR_NOT_FOUND);
    /* a folder is not made through a link */
    assert_int_equal(dir_make(below("real"), 0700, &f), ERR_OK);
    assert_int_equal(file_link("real", below("seeming"), &f), ERR_OK);
    assert_int_not_equal(dir_make_as(below("seeming"), 0755, &f), ERR_OK);
    assert_int_equal(file_remove(below("seeming"), &f), ERR_OK);
    assert_int_equal(file_remove(link, &f), ERR_OK);
    assert_int_equal(dir_remove(below("real"), &f), ERR_OK);
}

static void files_have_second_names(void **state) {
    (void)state;
    struct fault f;
    char *path = below("name"), *again = below("again");
    assert_int_equal(file_replace_as(path, bytes_text("x"), 0640, NULL, &f), ERR_OK);
    assert_int_equal(file_name_again(path, again, &f), ERR_OK);
    assert_int_equal(file_name_again(path, again, &f), ERR_EXISTS);
    assert_int_equal(file_replace(path, bytes_text("y"), 0600, &f), ERR_OK);
    assert_true(text_is(again, "x"));
    assert_int_equal(dir_make_as(below("as"), 0750, &f), ERR_OK);
    assert_int_equal(dir_make_as(below("as"), 0755, &f), ERR_OK);
    assert_int_equal(dir_remove(below("as"), &f), ERR_OK);
    assert_int_equal(dir_remove(below("as"), &f), ERR_OK); /* absent */
    assert_int_equal(file_remove(path, &f), ERR_OK);
    assert_int_equal(file_remove(again, &f), ERR_OK);
}

static void owners_are_found(void **state) {
    (void)state;
    static const char *const bad[] = {"", ":", "root:", "no-such-user-here", "0:no-such-group"};
    struct os_owner owner;
    struct fault f;
    if (!os_has_links) {
        assert_int_equal(os_owner_find("root", &owner, &f), ERR_UNSUPPORTED);
        return;
    }
    assert_int_equal(os_owner_find("root:0", &owner, &f), ERR_OK);
    assert_true(owner.user == 0 && owner.group == 0);
    assert_int_equal(os_owner_find("12345", &owner, &f), ERR_OK);
    assert_true(owner.user == 12345 && owner.group == -1);
    assert_int_equal(os_owner_find(":7", &owner, &f), ERR_OK);
    assert_true(owner.user == -1 && owner.group == 7);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(os_owner_find(bad[i], &owner, &f), ERR_USAGE);
}

static void maps_are_private(void **state) {
    (void)state;
    char *path = path_join(&arena, folder, "mapped");
    struct os_map map;
    struct fault f;
    struct buf b;
    buf_init(&b, 100);
    assert_int_equal(file_replace(path, bytes_text("one two"), 0600, &f), ERR_OK);
    assert_int_equal(os_map_open(&map, path, &f), ERR_OK);
    assert_true(bytes_equal(bytes_of(map.p, map.n), bytes_text("one two")));
    map.p[0] = 'O';
    assert_int_equal(file_read(path, &b, &f), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&b), bytes_text("one two")));
    os_map_close(&map);
    os_map_close(&map);
    assert_int_equal(file_replace(path, bytes_text(""), 0600, &f), ERR_OK);
    assert_int_equal(os_map_open(&map, path, &f), ERR_OK);
    assert_true(map.p == NULL && map.n == 0);
    os_map_close(&map);
    assert_int_equal(file_remove(path, &f), ERR_OK);
    assert_int_equal(os_map_open(&map, path, &f), ERR_NOT_FOUND);
    buf_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_whole_files),    cmocka_unit_test(replaces_what_is_being_read),
        cmocka_unit_test(reads_up_to_a_limit),     cmocka_unit_test(files_by_parts),
        cmocka_unit_test(one_holds_the_lock),      cmocka_unit_test(folders_are_made_and_listed),
        cmocka_unit_test(full_paths_are_resolved), cmocka_unit_test(links_turn_in_one_step),
        cmocka_unit_test(files_have_second_names), cmocka_unit_test(owners_are_found),
        cmocka_unit_test(maps_are_private),
    };
    return cmocka_run_group_tests(tests, make_folder, free_arena);
}
