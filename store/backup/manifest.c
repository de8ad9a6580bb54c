/* The manifest of a backup, its names, its secrets' container, the note of the last one. See
 * backup.h. */
#include "store/backup/backup.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "store/log/segment.h"

#include <string.h>

enum { TOKENS_A_FILE = 12, TOKENS_MORE = 64, NOTE_MAX = 64 << 10, TEXT_MAX = 4096 };

bool backup_name_valid(struct bytes name, uint32_t *segment) {
    char text[BACKUP_NAME_MAX + 1];
    *segment = 0;
    if (name.n == 0 || name.n > BACKUP_NAME_MAX)
        return false;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    if (bytes_starts(name, "log/"))
        return segment_name_read(text + strlen("log/"), segment);
    for (size_t i = 0; i < name.n; i++)
        if (!ascii_is_alnum(name.p[i]) && name.p[i] != '-' && (name.p[i] != '.' || i == 0))
            return false;
    return true;
}

/* ---- Writing ---- */

static void write_file(struct json *j, const struct backup_file *file) {
    json_object(j, NULL);
    json_text(j, "name", file->name);
    json_int(j, "size", (int64_t)file->size);
    json_hex(j, "sha256", bytes_of(file->sha256, SHA256_SIZE));
    if (bytes_starts(bytes_text(file->name), "log/")) {
        json_int(j, "entries", (int64_t)file->entries);
        json_hex(j, "root", bytes_of(file->root, STORE_HASH_SIZE));
    }
    json_end(j, '}');
}

void backup_manifest_write(const struct backup_manifest *m, struct buf *out) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_int(&j, "format", BACKUP_FORMAT);
    json_text(&j, "version", m->version);
    json_time(&j, "time", m->time_s);
    json_text(&j, "server", m->server);
    json_int(&j, "entries", (int64_t)m->entries);
    json_hex(&j, "root", bytes_of(m->root, STORE_HASH_SIZE));
    json_text(&j, "secrets", m->has_secrets ? "sealed" : "none");
    json_array(&j, "files");
    for (size_t i = 0; i < m->files_n; i++)
        write_file(&j, &m->files[i]);
    json_end(&j, ']');
    json_end(&j, '}');
    buf_text(out, "\n");
}

/* ---- Reading ---- */

static enum err wrong(struct fault *f, const char *member) {
    return fault_set(f, ERR_FORMAT, "manifest.json", "%s", member);
}

static bool read_text(struct arena *a, struct json_value v, const char *name, const char **out) {
    struct bytes text;
    if (!json_string(json_get(v, name), a, &text) || text.n > TEXT_MAX ||
        bytes_find(text, bytes_of("", 1)) != SIZE_MAX)
        return false;
    *out = arena_cstr(a, text);
    return *out != NULL;
}

static bool read_size(struct json_value v, const char *name, uint64_t *out) {
    int64_t n;
    if (!json_integer(json_get(v, name), &n) || n < 0)
        return false;
    *out = (uint64_t)n;
    return true;
}

static bool read_hash(struct arena *a, struct json_value v, const char *name, uint8_t out[32]) {
    struct bytes text;
    return json_string(json_get(v, name), a, &text) && hex_read(text, out, 32);
}

static bool read_time(struct arena *a, struct json_value v, int64_t *out) {
    struct bytes text;
    return json_string(json_get(v, "time"), a, &text) && clock_read(text, out);
}

/* Segments come first, numbered from 1 without gaps; no name stands twice. */
static enum err take_file(struct arena *a, struct json_value v, struct backup_manifest *m,
                          uint32_t *segments, struct fault *f) {
    struct backup_file *file = &m->files[m->files_n];
    uint32_t number;
    *file = (struct backup_file){0};
    if (!read_text(a, v, "name", &file->name) ||
        !backup_name_valid(bytes_text(file->name), &number))
        return wrong(f, "name of a file");
    if (!read_size(v, "size", &file->size) || !read_hash(a, v, "sha256", file->sha256))
        return wrong(f, "size or sha256 of a file");
    if (number > 0 &&
        (!read_size(v, "entries", &file->entries) || !read_hash(a, v, "root", file->root)))
        return wrong(f, "entries or root of a segment");
    if (number > 0 && (number != *segments + 1 || m->files_n != *segments))
        return wrong(f, "segments are not in order");
    *segments += number > 0;
    for (size_t i = *segments; number == 0 && i < m->files_n; i++)
        if (strcmp(m->files[i].name, file->name) == 0)
            return wrong(f, "a name stands twice");
    m->files_n++;
    return ERR_OK;
}

enum { SMALL_FILES_MAX = 1000 }; /* each is compared with those before it */

static enum err read_files(struct arena *a, struct json_value list, struct backup_manifest *m,
                           struct fault *f) {
    size_t n = json_count(list);
    uint32_t segments = 0;
    if (json_type_of(list) != JSON_ARRAY || n > BACKUP_FILES_MAX)
        return wrong(f, "files");
    m->files = arena_array(a, n + 1, sizeof *m->files);
    if (m->files == NULL)
        return fault_set(f, ERR_MEMORY, "manifest.json", "%zu files", n);
    for (struct json_value v = json_first(list); json_type_of(v) != JSON_NONE; v = json_next(v)) {
        enum err code = take_file(a, v, m, &segments, f);
        if (code == ERR_OK && m->files_n - segments > SMALL_FILES_MAX)
            code = wrong(f, "files");
        if (code != ERR_OK)
            return code;
    }
    if (segments == 0)
        return wrong(f, "there is no segment of the log");
    const struct backup_file *last = &m->files[segments - 1];
    bool is_head = last->entries == m->entries && memcmp(last->root, m->root, sizeof m->root) == 0;
    return is_head ? ERR_OK : wrong(f, "the last segment does not end at the head");
}

enum err backup_manifest_read(struct arena *a, struct bytes text, struct backup_manifest *out,
                              struct fault *f) {
    struct json_value v;
    int64_t format = 0;
    const char *secrets;
    *out = (struct backup_manifest){0};
    enum err code =
        json_read(a, text, (size_t)TOKENS_A_FILE * BACKUP_FILES_MAX + TOKENS_MORE, &v, f);
    if (code != ERR_OK)
        return code;
    if (!json_integer(json_get(v, "format"), &format) || format < 1)
        return wrong(f, "format");
    if (format > BACKUP_FORMAT)
        return fault_set(f, ERR_UNSUPPORTED, "manifest.json", "of a later version of the program");
    if (!read_text(a, v, "version", &out->version) || !read_text(a, v, "server", &out->server))
        return wrong(f, "version or server");
    if (!read_time(a, v, &out->time_s))
        return wrong(f, "time");
    if (!read_size(v, "entries", &out->entries) || !read_hash(a, v, "root", out->root))
        return wrong(f, "entries or root");
    if (!read_text(a, v, "secrets", &secrets))
        return wrong(f, "secrets");
    out->has_secrets = strcmp(secrets, "none") != 0;
    return read_files(a, json_get(v, "files"), out, f);
}

enum err backup_manifest_load(struct arena *a, const char *dir, struct backup_manifest *out,
                              struct fault *f) {
    struct buf text;
    const char *path = path_join(a, dir, "manifest.json");
    if (path == NULL)
        return fault_set(f, ERR_MEMORY, "backup", "%s", dir);
    buf_init(&text, BACKUP_MANIFEST_MAX);
    enum err code = file_read(path, &text, f);
    if (code == ERR_OK) {
        struct bytes copy = arena_copy(a, buf_bytes(&text));
        code = copy.n == text.n && copy.n > 0
                   ? backup_manifest_read(a, copy, out, f)
                   : fault_set(f, ERR_FORMAT, "manifest.json", "it is empty");
    }
    buf_clear(&text);
    return code;
}

/* ---- Secrets ---- */

void backup_secret_put(struct buf *out, const char *name, struct bytes content) {
    buf_vec(out, 1, bytes_text(name));
    buf_vec(out, 4, content);
}

bool backup_secret_take(struct cur *c, struct bytes *name, struct bytes *content) {
    uint32_t segment;
    if (c->bad || c->rest.n == 0)
        return false;
    *name = cur_vec8(c);
    *content = cur_take(c, cur_u32(c));
    if (!c->bad && (!backup_name_valid(*name, &segment) || segment > 0))
        cur_refuse(c);
    return !c->bad;
}

/* ---- The note ---- */

enum err backup_note_write(const char *data, const struct backup_note *note, struct fault *f) {
    struct buf text;
    struct arena a;
    arena_init(&a, 1 << 16);
    buf_init(&text, NOTE_MAX);
    struct json j = json_to(&text);
    json_object(&j, NULL);
    json_time(&j, "time", note->time_s);
    json_text(&j, "folder", note->folder);
    json_int(&j, "entries", (int64_t)note->entries);
    json_int(&j, "bytes", (int64_t)note->bytes);
    json_bool(&j, "secrets", note->has_secrets);
    json_end(&j, '}');
    buf_text(&text, "\n");
    const char *path = path_join(&a, data, "backup");
    enum err code = path == NULL || text.err != ERR_OK
                        ? fault_set(f, ERR_LIMIT, "backup", "%s", note->folder)
                        : file_replace(path, buf_bytes(&text), 0600, f);
    buf_clear(&text);
    arena_clear(&a);
    return code;
}

void backup_note_read(struct arena *a, const char *data, struct backup_note *out) {
    struct buf text;
    struct json_value v;
    struct fault ignored;
    *out = (struct backup_note){0};
    buf_init(&text, NOTE_MAX);
    const char *path = path_join(a, data, "backup");
    if (path != NULL && file_read(path, &text, &ignored) == ERR_OK &&
        json_read(a, arena_copy(a, buf_bytes(&text)), TOKENS_MORE, &v, &ignored) == ERR_OK) {
        bool is_good = read_time(a, v, &out->time_s) && read_text(a, v, "folder", &out->folder) &&
                       read_size(v, "entries", &out->entries) &&
                       read_size(v, "bytes", &out->bytes) &&
                       json_boolean(json_get(v, "secrets"), &out->has_secrets);
        if (!is_good)
            *out = (struct backup_note){0};
    }
    buf_clear(&text);
}
