/* Having a backup again. See backup.h. */
#include "store/backup/backup.h"
#include "store/backup/copy.h"

#include "base/os.h"
#include "base/text.h"

#include <string.h>

static const char *stored_path(struct arena *a, const char *dir, const struct backup_file *file) {
    char name[2 * SHA256_SIZE + 1];
    hex_write(name, bytes_of(file->sha256, SHA256_SIZE));
    const char *files = path_join(a, dir, "files");
    return files != NULL ? path_join(a, files, name) : NULL;
}

static enum err not_as_said(const struct backup_file *file, const char *path, struct fault *f) {
    return fault_set(f, ERR_DAMAGED, "backup", "%s (%s) is not what manifest.json says", file->name,
                     path_base(path));
}

static enum err restore_segment(struct arena *a, const char *dir, const struct backup_file *file,
                                const char *data, struct fault *f) {
    struct copy_from from;
    struct copy_end end;
    const char *path = stored_path(a, dir, file), *to = path_join(a, data, file->name);
    if (path == NULL || to == NULL)
        return fault_set(f, ERR_MEMORY, "backup", "%s", file->name);
    enum err code = copy_open(&from, path, UINT64_MAX, &end, f);
    if (code != ERR_OK)
        return code == ERR_NOT_FOUND ? fault_set(f, ERR_DAMAGED, "backup", "%s (%s) is missing",
                                                 file->name, path_base(path))
                                     : code;
    if (end.size != file->size || memcmp(end.sha256, file->sha256, SHA256_SIZE) != 0)
        code = not_as_said(file, path, f);
    if (code == ERR_OK)
        code = copy_to(&from, to, &end, f);
    copy_close(&from);
    return code;
}

static enum err check_log(const struct backup_manifest *m, const char *data, struct fault *f) {
    struct store_reader *reader = NULL;
    struct store_account account;
    uint8_t root[STORE_HASH_SIZE];
    enum err code = store_reader_open(data, &reader, f);
    if (code == ERR_OK)
        code = store_reader_account(reader, INT64_MAX, NULL, NULL, &account, f);
    if (code == ERR_OK) {
        store_tree_root(&account.tree, root);
        bool is_good = store_reader_harms(reader) == 0 && account.is_whole &&
                       account.wrong_heads == 0 && account.tree.size == m->entries &&
                       memcmp(root, m->root, sizeof root) == 0;
        if (!is_good)
            code = fault_set(f, ERR_DAMAGED, "backup", "the log is not the one of manifest.json");
    }
    store_reader_close(reader);
    return code;
}

enum err backup_restore_log(const char *dir, const struct backup_manifest *m, const char *data,
                            struct fault *f) {
    struct arena a;
    arena_init(&a, 1 << 20);
    const char *log = path_join(&a, data, "log");
    enum err code =
        log != NULL ? dir_make(log, 0700, f) : fault_set(f, ERR_MEMORY, "backup", "%s", data);
    for (size_t i = 0; i < m->files_n && code == ERR_OK; i++) {
        struct arena each;
        arena_init(&each, 1 << 16);
        if (bytes_starts(bytes_text(m->files[i].name), "log/"))
            code = restore_segment(&each, dir, &m->files[i], data, f);
        arena_clear(&each);
    }
    if (code == ERR_OK)
        code = os_dir_sync(log, f);
    if (code == ERR_OK)
        code = check_log(m, data, f);
    arena_clear(&a);
    return code;
}

enum err backup_file_read(const char *dir, const struct backup_manifest *m, const char *name,
                          struct buf *out, struct fault *f) {
    for (size_t i = 0; i < m->files_n; i++) {
        const struct backup_file *file = &m->files[i];
        uint8_t sha256[SHA256_SIZE];
        size_t start = out->n;
        if (strcmp(file->name, name) != 0)
            continue;
        struct arena a;
        arena_init(&a, 1 << 16);
        const char *path = stored_path(&a, dir, file);
        enum err code =
            path != NULL ? file_read(path, out, f) : fault_set(f, ERR_MEMORY, "backup", "%s", name);
        if (code == ERR_OK) {
            struct bytes content = bytes_part(buf_bytes(out), start, out->n);
            hash_of(HASH_SHA256, content, sha256);
            if (content.n != file->size || memcmp(sha256, file->sha256, sizeof sha256) != 0)
                code = not_as_said(file, path, f);
        }
        arena_clear(&a);
        return code;
    }
    return fault_set(f, ERR_NOT_FOUND, "backup", "it has no %s", name);
}
