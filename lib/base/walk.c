/* Walking folders on libuv's synchronous calls. See walk.h. */
#include "base/walk.h"

#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    PATH_BYTES_MAX = 4095,
    BATCH = 128, /* names asked for at once */
    NAMES_BYTES_MAX = 64 << 20,
    LINKS_BYTES_MAX = 16 << 20,
    SEEN_FIRST = 64,
    SEEN_MAX = 4 << 20,
    READ_CHUNK = 65536,
    MODE_BITS = 07777
};

/* Which folder it is, whatever its names. */
struct id {
    uint64_t device, file;
    bool used;
};

struct walk {
    struct walk_limits limits;
    struct id *seen; /* open addressing, a power of two */
    size_t seen_n, seen_cap;

    /* Of one run. */
    walk_visit *visit;
    void *context;
    uint64_t device, entries;
    size_t start_n;   /* bytes of the start's path */
    struct buf path;  /* without its NUL */
    struct buf links; /* to folders, put off: each path with a NUL */
    enum err err;     /* ends the run */
};

struct names {
    struct buf text; /* each with a NUL */
    const char **items;
    size_t n;
    bool is_cut;
};

static const char *const whats[WALK_WHAT_COUNT] = {
    [WALK_FILE] = "a file",
    [WALK_SPECIAL] = "a FIFO, socket or device",
    [WALK_AGAIN] = "a folder that was read already, by another way",
    [WALK_ELSEWHERE] = "a folder of another file system: name it, to have it read",
    [WALK_DANGLING] = "a link that leads nowhere",
    [WALK_LIMIT] = "beyond a limit",
    [WALK_FAILED] = "it cannot be read",
};

const char *walk_what_text(enum walk_what what) {
    return whats[(unsigned)what < WALK_WHAT_COUNT ? what : WALK_FAILED];
}

struct walk_limits walk_limits_default(void) {
    return (struct walk_limits){.depth = 64, .names = 262144, .entries = 10000000};
}

enum err walk_open(const struct walk_limits *limits, struct walk **out, struct fault *f) {
    struct walk *w = calloc(1, sizeof *w);
    if (w == NULL)
        return fault_set(f, ERR_MEMORY, "walk", "%s", "");
    w->limits = *limits;
    buf_init(&w->path, PATH_BYTES_MAX + 1);
    buf_init(&w->links, LINKS_BYTES_MAX);
    *out = w;
    return ERR_OK;
}

void walk_close(struct walk *w) {
    if (w == NULL)
        return;
    buf_clear(&w->path);
    buf_clear(&w->links);
    free(w->seen);
    free(w);
}

/* ---- the folders entered ---- */

static size_t slot_of(const struct walk *w, const struct id *id) {
    uint64_t v = (id->file ^ (id->device << 32)) * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(v >> 20) & (w->seen_cap - 1);
    while (w->seen[at].used && (w->seen[at].file != id->file || w->seen[at].device != id->device))
        at = (at + 1) & (w->seen_cap - 1);
    return at;
}

static bool is_seen(const struct walk *w, const struct id *id) {
    return w->seen_cap > 0 && w->seen[slot_of(w, id)].used;
}

static enum err grow_seen(struct walk *w) {
    struct walk larger = {.seen_cap = w->seen_cap > 0 ? w->seen_cap * 2 : SEEN_FIRST};
    if (w->seen_n >= SEEN_MAX)
        return ERR_LIMIT;
    larger.seen = calloc(larger.seen_cap, sizeof *larger.seen);
    if (larger.seen == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < w->seen_cap; i++)
        if (w->seen[i].used)
            larger.seen[slot_of(&larger, &w->seen[i])] = w->seen[i];
    free(w->seen);
    w->seen = larger.seen;
    w->seen_cap = larger.seen_cap;
    return ERR_OK;
}

static enum err remember(struct walk *w, const struct id *id) {
    enum err e = (w->seen_n + 1) * 2 > w->seen_cap ? grow_seen(w) : ERR_OK;
    if (e != ERR_OK)
        return e;
    w->seen[slot_of(w, id)] = *id;
    w->seen_n++;
    return ERR_OK;
}

/* ---- what the system says ---- */

static int look_at(const char *path, bool follow, uv_stat_t *out) {
    uv_fs_t req;
    int status = follow ? uv_fs_stat(NULL, &req, path, NULL) : uv_fs_lstat(NULL, &req, path, NULL);
    if (status == 0)
        *out = req.statbuf;
    uv_fs_req_cleanup(&req);
    return status;
}

static unsigned type_of(const uv_stat_t *st) {
    return (unsigned)(st->st_mode & S_IFMT);
}

static struct id id_of(const uv_stat_t *st) {
    return (struct id){st->st_dev, st->st_ino, true};
}

static struct walk_facts facts_of(const uv_stat_t *st) {
    return (struct walk_facts){.size_bytes = st->st_size,
                               .modified_s = st->st_mtim.tv_sec,
                               .mode = (unsigned)(st->st_mode & MODE_BITS),
                               .user_id = (int64_t)st->st_uid,
                               .group_id = (int64_t)st->st_gid};
}

/* ---- telling ---- */

static void tell_item(struct walk *w, const struct walk_item *item) {
    if (w->err == ERR_OK && !w->visit(w->context, item))
        w->err = ERR_INTERRUPTED;
}

static void tell_left(struct walk *w, enum walk_what what, bool is_link) {
    struct walk_item item = {.what = what, .path = buf_cstr(&w->path), .is_link = is_link};
    tell_item(w, &item);
}

static void tell_fault(struct walk *w, enum walk_what what, const struct fault *f) {
    struct walk_item item = {.what = what, .path = buf_cstr(&w->path), .fault = f};
    tell_item(w, &item);
}

static void tell_limit(struct walk *w, const char *why) {
    struct fault f;
    fault_set(&f, ERR_LIMIT, why, "%s", "");
    tell_fault(w, WALK_LIMIT, &f);
}

static void tell_status(struct walk *w, int status, const char *what) {
    struct fault f;
    file_fault(&f, status, what, buf_cstr(&w->path));
    tell_fault(w, WALK_FAILED, &f);
}

/* ---- the names of a folder ---- */

static bool keep_name(struct walk *w, struct names *names, const char *name) {
    if (names->n >= w->limits.names || buf_room(&names->text, NAMES_BYTES_MAX) <= strlen(name)) {
        names->is_cut = true;
        return false;
    }
    buf_put(&names->text, bytes_of(name, strlen(name) + 1));
    names->n++;
    return names->text.err == ERR_OK;
}

static int read_names(struct walk *w, struct names *names) {
    uv_dirent_t batch[BATCH];
    uv_fs_t req;
    int n = uv_fs_opendir(NULL, &req, buf_cstr(&w->path), NULL);
    uv_dir_t *dir = n == 0 ? req.ptr : NULL;
    uv_fs_req_cleanup(&req);
    if (dir == NULL)
        return n;
    bool go_on = true;
    while (go_on) {
        dir->dirents = batch;
        dir->nentries = BATCH;
        n = uv_fs_readdir(NULL, &req, dir, NULL);
        go_on = n > 0;
        for (int i = 0; i < n && go_on; i++)
            go_on = keep_name(w, names, batch[i].name);
        uv_fs_req_cleanup(&req);
    }
    int status = n;
    uv_fs_closedir(NULL, &req, dir, NULL);
    uv_fs_req_cleanup(&req);
    return status < 0 ? status : 0;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, once the buffer moves no more. */
static bool sort_names(struct names *names) {
    struct cur c = cur_open(buf_bytes(&names->text));
    names->items = calloc(names->n + 1, sizeof *names->items);
    if (names->items == NULL || names->text.err == ERR_MEMORY)
        return false;
    for (size_t i = 0; i < names->n; i++)
        names->items[i] = (const char *)cur_until(&c, '\0').p;
    qsort(names->items, names->n, sizeof *names->items, compare_names);
    return true;
}

/* ---- folders ---- */

static void walk_folder(struct walk *w, const uv_stat_t *st, unsigned depth, bool is_link);

static void put_off(struct walk *w) {
    buf_put(&w->links, bytes_of(buf_cstr(&w->path), w->path.n + 1));
    if (w->links.err == ERR_LIMIT) {
        w->links.err = ERR_OK;
        tell_limit(w, "more links to folders than are followed");
    }
}

static void walk_link(struct walk *w) {
    uv_stat_t st;
    int status = look_at(buf_cstr(&w->path), true, &st);
    struct walk_item item = {.what = WALK_FILE, .path = buf_cstr(&w->path), .is_link = true};
    if (status == UV_ENOENT || status == UV_ELOOP || status == UV_ENOTDIR) {
        tell_left(w, WALK_DANGLING, true);
    } else if (status < 0) {
        tell_status(w, status, "stat");
    } else if (type_of(&st) == S_IFDIR) {
        put_off(w);
    } else if (type_of(&st) == S_IFREG) {
        item.facts = facts_of(&st);
        tell_item(w, &item);
    } else {
        tell_left(w, WALK_SPECIAL, true);
    }
}

static void walk_entry(struct walk *w, unsigned depth) {
    uv_stat_t st;
    int status = look_at(buf_cstr(&w->path), false, &st);
    struct walk_item item = {.what = WALK_FILE, .path = buf_cstr(&w->path)};
    if (status == UV_ENOENT)
        return; /* gone since its folder was read */
    if (status < 0) {
        tell_status(w, status, "stat");
    } else if (type_of(&st) == S_IFLNK) {
        walk_link(w);
    } else if (type_of(&st) == S_IFDIR) {
        walk_folder(w, &st, depth + 1, false);
    } else if (type_of(&st) == S_IFREG) {
        item.facts = facts_of(&st);
        tell_item(w, &item);
    } else {
        tell_left(w, WALK_SPECIAL, false);
    }
}

/* One name of the folder; the path is as before behind it. */
static void walk_name(struct walk *w, const char *name, unsigned depth) {
    size_t before = w->path.n, n = strlen(name);
    bool has_slash =
        before > 0 && (w->path.p[before - 1] == '/' || w->path.p[before - 1] == (uint8_t)os_slash);
    if (++w->entries > w->limits.entries) {
        if (w->entries == w->limits.entries + 1)
            tell_limit(w, "more entries than are looked at");
        return;
    }
    if (before + n + 1 > PATH_BYTES_MAX) {
        tell_limit(w, "a path too long");
        return;
    }
    if (!has_slash)
        buf_u8(&w->path, (uint8_t)os_slash);
    buf_put(&w->path, bytes_of(name, n));
    if (w->path.err != ERR_OK)
        w->err = w->path.err;
    else
        walk_entry(w, depth);
    buf_cut(&w->path, before);
}

static void walk_names(struct walk *w, unsigned depth) {
    struct names names = {.n = 0};
    buf_init(&names.text, NAMES_BYTES_MAX);
    int status = read_names(w, &names);
    if (status < 0)
        tell_status(w, status, "open");
    if (names.is_cut)
        tell_limit(w, "more names in one folder than are looked at");
    if (!sort_names(&names))
        w->err = ERR_MEMORY;
    for (size_t i = 0; i < names.n && w->err == ERR_OK && w->entries <= w->limits.entries; i++)
        walk_name(w, names.items[i], depth);
    free(names.items);
    buf_clear(&names.text);
}

static bool may_enter(struct walk *w) {
    return w->path.n == w->start_n || w->limits.may_enter == NULL ||
           w->limits.may_enter(w->limits.context, buf_cstr(&w->path));
}

static void walk_folder(struct walk *w, const uv_stat_t *st, unsigned depth, bool is_link) {
    struct id id = id_of(st);
    if (!may_enter(w))
        return;
    if (id.device != w->device) {
        tell_left(w, WALK_ELSEWHERE, is_link);
    } else if (is_seen(w, &id)) {
        tell_left(w, WALK_AGAIN, is_link);
    } else if (depth > w->limits.depth) {
        tell_limit(w, "more folders within each other than are entered");
    } else {
        enum err e = remember(w, &id);
        if (e == ERR_LIMIT)
            tell_limit(w, "more folders than are entered");
        else if (e != ERR_OK)
            w->err = e;
        else
            walk_names(w, depth);
    }
}

/* Those that were put off; each may put off more. */
static void walk_links(struct walk *w) {
    for (size_t at = 0; at < w->links.n && w->err == ERR_OK;) {
        struct cur c = cur_open(bytes_part(buf_bytes(&w->links), at, w->links.n));
        struct bytes path = cur_until(&c, '\0');
        uv_stat_t st;
        at += path.n + 1;
        buf_reset(&w->path);
        buf_put(&w->path, path);
        if (look_at(buf_cstr(&w->path), true, &st) == 0 && type_of(&st) == S_IFDIR)
            walk_folder(w, &st, 1, true);
    }
}

/* ---- a run ---- */

static enum err start(struct walk *w, const char *path, uv_stat_t *st, struct fault *f) {
    size_t n = strlen(path);
    if (n == 0 || n > PATH_BYTES_MAX)
        return fault_set(f, n == 0 ? ERR_NOT_FOUND : ERR_LIMIT, "path", "%s",
                         n == 0 ? "it is empty" : "it is too long");
    int status = look_at(path, true, st);
    if (status < 0)
        return file_fault(f, status, "open", path);
    buf_reset(&w->path);
    buf_reset(&w->links);
    buf_put(&w->path, bytes_of(path, n));
    w->device = st->st_dev;
    w->start_n = n;
    w->entries = 0;
    w->err = w->path.err;
    return ERR_OK;
}

enum err walk_run(struct walk *w, const char *path, walk_visit *visit, void *context,
                  struct fault *f) {
    uv_stat_t st;
    enum err e = start(w, path, &st, f);
    if (e != ERR_OK)
        return e;
    w->visit = visit;
    w->context = context;
    struct walk_item item = {.what = WALK_FILE, .path = path, .facts = facts_of(&st)};
    if (type_of(&st) == S_IFDIR)
        walk_folder(w, &st, 1, false);
    else if (type_of(&st) == S_IFREG)
        tell_item(w, &item);
    else
        tell_left(w, WALK_SPECIAL, false);
    walk_links(w);
    return w->err == ERR_OK ? ERR_OK : fault_set(f, w->err, "walk", "%s", path);
}

bool walk_has_entered(const struct walk *w, const char *folder) {
    uv_stat_t st;
    if (look_at(folder, true, &st) != 0)
        return false;
    struct id id = id_of(&st);
    return is_seen(w, &id);
}

bool walk_is_index_link(const struct walk_item *item) {
    enum { DIGITS = 8 };
    struct bytes name = bytes_text(path_base(item->path));
    struct bytes hash = bytes_part(name, 0, DIGITS), rest = bytes_part(name, DIGITS, name.n);
    if (!item->is_link || hash.n < DIGITS || !(bytes_starts(rest, ".")))
        return false;
    for (size_t i = 0; i < hash.n; i++)
        if (!ascii_is_digit(hash.p[i]) && (hash.p[i] < 'a' || hash.p[i] > 'f'))
            return false;
    rest = bytes_part(rest, bytes_starts(rest, ".r") ? 2 : 1, rest.n);
    uint64_t number;
    return number_read(rest, UINT32_MAX, &number);
}

/* ---- one file ---- */

/* Up to out's maximum; a status, ERR_LIMIT in *cut where there was more. */
static int read_all(int fd, struct buf *out, enum err *cut) {
    for (;;) {
        uint8_t past;
        size_t room = buf_room(out, READ_CHUNK);
        uint8_t *at = room > 0 ? buf_reserve(out, room) : &past;
        if (at == NULL)
            return UV_ENOMEM;
        uv_fs_t req;
        uv_buf_t part = uv_buf_init((char *)at, (unsigned)(room > 0 ? room : 1));
        int got = uv_fs_read(NULL, &req, fd, &part, 1, -1, NULL);
        uv_fs_req_cleanup(&req);
        if (got == UV_EINTR)
            continue;
        if (got > 0 && room == 0)
            *cut = ERR_LIMIT;
        if (got <= 0 || room == 0)
            return got < 0 ? got : 0;
        buf_commit(out, (size_t)got);
    }
}

static enum err read_opened(int fd, const char *path, struct buf *out, struct walk_facts *facts,
                            struct fault *f) {
    uv_fs_t req;
    enum err cut = ERR_OK;
    int status = uv_fs_fstat(NULL, &req, fd, NULL);
    uv_stat_t st = req.statbuf;
    uv_fs_req_cleanup(&req);
    if (status < 0)
        return file_fault(f, status, "stat", path);
    if (type_of(&st) != S_IFREG)
        return fault_set(f, ERR_UNSUPPORTED, "file", "%s: %s", path, "no regular file");
    *facts = facts_of(&st);
    status = read_all(fd, out, &cut);
    if (status < 0)
        return file_fault(f, status, "read", path);
    return cut == ERR_OK ? ERR_OK : fault_set(f, cut, "file", "%s is too large", path);
}

enum err walk_read(const char *path, struct buf *out, struct walk_facts *facts, struct fault *f) {
    uv_fs_t req;
    int fd =
        uv_fs_open(NULL, &req, path, UV_FS_O_RDONLY | UV_FS_O_NONBLOCK | UV_FS_O_NOCTTY, 0, NULL);
    uv_fs_req_cleanup(&req);
    if (fd < 0)
        return file_fault(f, fd, "open", path);
    enum err e = read_opened(fd, path, out, facts, f);
    uv_fs_close(NULL, &req, fd, NULL);
    uv_fs_req_cleanup(&req);
    return e;
}

bool walk_is_folder(const char *path) {
    uv_stat_t st;
    return look_at(path, true, &st) == 0 && type_of(&st) == S_IFDIR;
}

enum err walk_find(const char *path, struct fault *f) {
    uv_stat_t st;
    int status = look_at(path, false, &st);
    return status < 0 ? file_fault(f, status, "stat", path) : ERR_OK;
}
