/* Making a backup. See backup.h for the order in which things become durable. */
#include "store/backup/backup.h"
#include "store/backup/copy.h"

#include "base/os.h"
#include "base/text.h"
#include "store/log/segment.h"

#include <string.h>

enum { ARENA_MAX = 128 << 20 };

struct making {
    const struct env *env;
    const struct backup_job *job;
    struct arena arena;
    const char *files; /* the folder */
    struct backup_manifest before, now;
    bool has_before;
    struct backup_made *made;
};

static const char *stored_path(struct making *m, const uint8_t sha256[SHA256_SIZE],
                               const char *ending) {
    char name[2 * SHA256_SIZE + 8];
    hex_write(name, bytes_of(sha256, SHA256_SIZE));
    memcpy(name + 2 * (size_t)SHA256_SIZE, ending, strlen(ending) + 1);
    return path_join(&m->arena, m->files, name);
}

/* Whole, as its name says: a copy that rotted is made anew. */
static bool is_stored(struct making *m, const struct backup_file *file) {
    struct copy_end there;
    struct fault ignored;
    const char *path = stored_path(m, file->sha256, "");
    return path != NULL && file_exists(path) &&
           copy_hash(path, UINT64_MAX, &there, &ignored) == ERR_OK && there.size == file->size &&
           memcmp(there.sha256, file->sha256, SHA256_SIZE) == 0;
}

static const struct backup_file *find_before(const struct making *m,
                                             const struct backup_file *file) {
    for (size_t i = 0; m->has_before && i < m->before.files_n; i++)
        if (m->before.files[i].size == file->size && m->before.files[i].entries > 0 &&
            memcmp(m->before.files[i].sha256, file->sha256, SHA256_SIZE) == 0)
            return &m->before.files[i];
    return NULL;
}

/* What is new is read through, and has to follow on the segment before it. */
static enum err check_segment(struct making *m, const char *path, uint32_t number,
                              struct backup_file *file, struct fault *f) {
    struct store_segment found;
    uint8_t root[STORE_HASH_SIZE];
    enum err code = store_segment_check(path, number, &found, f);
    if (code != ERR_OK)
        return code;
    const struct backup_file *last = number > 1 ? file - 1 : NULL;
    store_tree_root(&found.before, root);
    if (found.before.size != (last != NULL ? last->entries : 0) ||
        (last != NULL && memcmp(root, last->root, sizeof root) != 0))
        return fault_set(f, ERR_DAMAGED, "log", "%s does not follow on the segment before it",
                         file->name);
    file->entries = found.after.size;
    store_tree_root(&found.after, file->root);
    return m->arena.err == ERR_OK ? ERR_OK : fault_set(f, m->arena.err, "backup", "%s", path);
}

static enum err name_stored(struct making *m, const char *temporary, const struct backup_file *file,
                            struct fault *f) {
    const char *path = stored_path(m, file->sha256, "");
    int status = path != NULL ? os_rename(temporary, path) : 0;
    if (path == NULL)
        return fault_set(f, ERR_MEMORY, "backup", "%s", file->name);
    if (status != 0)
        return file_fault(f, status, "rename", path);
    m->made->copied_files++;
    m->made->copied_bytes += file->size;
    return ERR_OK;
}

static enum err store_segment(struct making *m, const char *from, uint64_t size, uint32_t number,
                              struct backup_file *file, struct fault *f) {
    struct copy_end end;
    struct copy_from source;
    enum err code = copy_open(&source, from, size, &end, f);
    if (code != ERR_OK)
        return code;
    file->size = end.size;
    memcpy(file->sha256, end.sha256, SHA256_SIZE);
    const struct backup_file *known = find_before(m, file);
    if (known != NULL && is_stored(m, file)) {
        file->entries = known->entries;
        memcpy(file->root, known->root, sizeof file->root);
        copy_close(&source);
        return ERR_OK;
    }
    const char *temporary = stored_path(m, file->sha256, ".new");
    code = temporary != NULL ? copy_to(&source, temporary, &end, f)
                             : fault_set(f, ERR_MEMORY, "backup", "%s", from);
    if (code == ERR_OK)
        code = check_segment(m, temporary, number, file, f);
    if (code == ERR_OK)
        code = name_stored(m, temporary, file, f);
    copy_close(&source);
    return code;
}

static enum err store_log(struct making *m, struct fault *f) {
    const struct store_point *point = &m->job->point;
    for (uint32_t number = 1; number <= point->segment; number++) {
        char name[BACKUP_NAME_MAX] = "log/";
        segment_name(number, name + strlen(name));
        struct backup_file *file = &m->now.files[m->now.files_n++];
        file->name = arena_cstr(&m->arena, bytes_text(name));
        const char *from = path_join(&m->arena, m->job->data, name);
        if (from == NULL || file->name == NULL)
            return fault_set(f, ERR_MEMORY, "backup", "%s", name);
        enum err code = store_segment(m, from, number == point->segment ? point->at : UINT64_MAX,
                                      number, file, f);
        if (code != ERR_OK)
            return code;
    }
    const struct backup_file *last = &m->now.files[m->now.files_n - 1];
    if (last->entries != m->now.entries || memcmp(last->root, m->now.root, sizeof last->root) != 0)
        return fault_set(f, ERR_DAMAGED, "log", "%s does not end at the head of the tree",
                         last->name);
    return ERR_OK;
}

static enum err store_source(struct making *m, const struct backup_source *source,
                             struct fault *f) {
    struct backup_file *file = &m->now.files[m->now.files_n++];
    *file = (struct backup_file){.name = source->name, .size = source->content.n};
    hash_of(HASH_SHA256, source->content, file->sha256);
    if (is_stored(m, file))
        return ERR_OK;
    const char *path = stored_path(m, file->sha256, "");
    if (path == NULL)
        return fault_set(f, ERR_MEMORY, "backup", "%s", source->name);
    enum err code = file_replace(path, source->content, 0600, f);
    m->made->copied_files += code == ERR_OK;
    m->made->copied_bytes += code == ERR_OK ? file->size : 0;
    return code;
}

/* ---- The manifest, and what it no longer names ---- */

static enum err write_manifest(struct making *m, struct fault *f) {
    struct buf text;
    const char *path = path_join(&m->arena, m->job->dir, "manifest.json");
    buf_init(&text, BACKUP_MANIFEST_MAX);
    backup_manifest_write(&m->now, &text);
    enum err code = text.err != ERR_OK || path == NULL
                        ? fault_set(f, ERR_LIMIT, "manifest.json", "%zu files", m->now.files_n)
                        : os_dir_sync(m->files, f);
    if (code == ERR_OK)
        code = file_replace(path, buf_bytes(&text), 0600, f);
    buf_clear(&text);
    return code;
}

static bool is_named(const struct backup_manifest *now, const char *name) {
    uint8_t sha256[SHA256_SIZE];
    if (!hex_read(bytes_text(name), sha256, sizeof sha256))
        return false;
    for (size_t i = 0; i < now->files_n; i++)
        if (memcmp(now->files[i].sha256, sha256, sizeof sha256) == 0)
            return true;
    return false;
}

static bool is_ours(const char *name) {
    uint8_t sha256[SHA256_SIZE];
    return hex_read(bytes_part(bytes_text(name), 0, 2 * (size_t)SHA256_SIZE), sha256,
                    sizeof sha256);
}

static bool sweep_one(void *context, const char *name, bool is_dir) {
    struct making *m = context;
    struct fault ignored;
    if (is_dir || !is_ours(name) || is_named(&m->now, name))
        return true;
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *path = path_join(&a, m->files, name);
    if (path != NULL)
        (void)!file_remove(path, &ignored); /* next time */
    arena_clear(&a);
    return true;
}

/* ---- All of it ---- */

/* The same log grows; so what is there has to be of this server, and not later. */
static enum err check_before(struct making *m, struct fault *f) {
    enum err code = backup_manifest_load(&m->arena, m->job->dir, &m->before, f);
    if (code == ERR_NOT_FOUND)
        return ERR_OK;
    if (code == ERR_FORMAT || code == ERR_LIMIT)
        return fault_set(f, ERR_CONFLICT, "backup",
                         "%s has a manifest.json that is none of a backup: give another folder",
                         m->job->dir);
    if (code != ERR_OK)
        return code;
    m->has_before = true;
    if (strcmp(m->before.server, m->job->server) != 0)
        return fault_set(f, ERR_CONFLICT, "backup", "%s is one of %s: give another folder",
                         m->job->dir, m->before.server);
    if (m->before.entries > m->now.entries)
        return fault_set(f, ERR_CONFLICT, "backup",
                         "%s is one of a later state (before a restore?): give another folder",
                         m->job->dir);
    return ERR_OK;
}

static enum err begin(struct making *m, struct os_lock *lock, struct fault *f) {
    const struct backup_job *job = m->job;
    size_t n = (size_t)job->point.segment + job->sources_n;
    m->files = path_join(&m->arena, job->dir, "files");
    const char *lock_path = path_join(&m->arena, job->dir, "lock");
    m->now = (struct backup_manifest){.version = job->version,
                                      .server = job->server,
                                      .time_s = env_now_s(m->env),
                                      .entries = job->point.tree.size,
                                      .has_secrets = job->has_secrets};
    store_tree_root(&job->point.tree, m->now.root);
    if (n > BACKUP_FILES_MAX)
        return fault_set(f, ERR_LIMIT, "backup", "%zu files", n);
    m->now.files = arena_array(&m->arena, n, sizeof *m->now.files);
    if (m->files == NULL || lock_path == NULL || m->now.files == NULL)
        return fault_set(f, ERR_MEMORY, "backup", "%s", job->dir);
    memset(m->now.files, 0, n * sizeof *m->now.files);
    enum err code = dir_make(job->dir, 0700, f);
    if (code == ERR_OK)
        code = os_lock_open(lock, lock_path, f);
    if (code == ERR_OK)
        code = check_before(m, f);
    if (code == ERR_OK)
        code = dir_make(m->files, 0700, f);
    return code == ERR_OK ? os_dir_sync(job->dir, f) : code;
}

enum err backup_make(const struct env *env, const struct backup_job *job, struct backup_made *out,
                     struct fault *f) {
    struct making m = {.env = env, .job = job, .made = out};
    struct os_lock lock = {.handle = -1};
    *out = (struct backup_made){0};
    arena_init(&m.arena, ARENA_MAX);
    enum err code = begin(&m, &lock, f);
    if (code == ERR_OK)
        code = store_log(&m, f);
    for (size_t i = 0; i < job->sources_n && code == ERR_OK; i++)
        code = store_source(&m, &job->sources[i], f);
    if (code == ERR_OK)
        code = write_manifest(&m, f);
    if (code == ERR_OK) {
        struct fault ignored;
        (void)!dir_list(m.files, sweep_one, &m, &ignored);
        out->time_s = m.now.time_s;
        out->files = m.now.files_n;
        for (size_t i = 0; i < m.now.files_n; i++)
            out->bytes += m.now.files[i].size;
    }
    if (lock.handle != -1)
        os_lock_close(&lock);
    arena_clear(&m.arena);
    return code;
}
