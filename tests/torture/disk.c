/* See disk.h. */
#include "disk.h"

#include "base/env.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { SECTOR = 512, NAMES_MAX = 256, HANDLES_MAX = 64, FIRST_FD = 1 << 20, NAME_MAX_BYTES = 120 };

/* ---- What is put in the place of what ---- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
struct thread *__real_thread_start(void (*run)(void *argument), void *argument);
void __real_cond_wait(struct cond *c, struct mutex *m);
void __real_cond_signal(struct cond *c);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
struct thread *__wrap_thread_start(void (*run)(void *argument), void *argument);
void __wrap_cond_wait(struct cond *c, struct mutex *m);
void __wrap_cond_signal(struct cond *c);
bool __wrap_cond_wait_ms(struct cond *c, struct mutex *m, uint64_t ms);
int __wrap_uv_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path, int flags, int mode,
                      uv_fs_cb cb);
int __wrap_uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb);
int __wrap_uv_fs_read(uv_loop_t *loop, uv_fs_t *req, uv_file fd, const uv_buf_t bufs[],
                      unsigned nbufs, int64_t at, uv_fs_cb cb);
int __wrap_uv_fs_write(uv_loop_t *loop, uv_fs_t *req, uv_file fd, const uv_buf_t bufs[],
                       unsigned nbufs, int64_t at, uv_fs_cb cb);
int __wrap_uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb);
int __wrap_uv_fs_ftruncate(uv_loop_t *loop, uv_fs_t *req, uv_file fd, int64_t size, uv_fs_cb cb);
int __wrap_uv_fs_fstat(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb);
int __wrap_uv_fs_stat(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);
int __wrap_uv_fs_unlink(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb);
enum err __wrap_dir_list(const char *path, dir_visit *visit, void *context, struct fault *f);
int __wrap_os_file_make(const char *path, int mode);
int __wrap_os_dir_make(const char *path, int mode);
int __wrap_os_rename(const char *from, const char *to);
enum err __wrap_os_dir_sync(const char *path, struct fault *f);
enum err __wrap_os_map_open(struct os_map *map, const char *path, struct fault *f);
void __wrap_os_map_close(struct os_map *map);
enum err __wrap_os_lock_open(struct os_lock *lock, const char *path, struct fault *f);
void __wrap_os_lock_close(struct os_lock *lock);

/* ---- The disk ---- */

struct content {
    uint8_t *p;
    uint64_t n, room;
};

/* A change of a file that no sync has made durable. */
struct change {
    bool is_size, is_lost; /* lost: a sync failed, and the next one has forgotten it */
    uint64_t at;           /* of the bytes, or the size */
    struct content bytes;
};

struct node {
    struct content now, durable;
    struct change *changes;
    size_t changes_n, changes_room;
};

/* A name: of a file, or (node NULL) of a folder. */
struct name {
    char path[NAME_MAX_BYTES];
    struct node *node;
};

struct names {
    struct name items[NAMES_MAX];
    size_t n;
};

struct renaming {
    char path[NAME_MAX_BYTES];
    struct node *node;
    bool is_given; /* else taken */
};

static struct {
    struct mutex *mutex; /* guards all of it */
    struct cond *moved;
    uv_thread_t main;
    bool is_idle;         /* the log's thread */
    struct cond *idle_at; /* where the log's thread waits */

    struct names now, durable;
    struct renaming pending[NAMES_MAX];
    size_t pending_n;
    struct node **nodes; /* all that ever were, to be freed */
    size_t nodes_n, nodes_room;
    struct {
        struct node *node;
        int64_t at;
    } handles[HANDLES_MAX];
    bool is_locked;

    uint64_t random[3]; /* of the main thread, of the log's, and of what power leaves */
    bool is_armed, is_off;
    unsigned odds[DISK_FAULTS];
    uint64_t space, until_off;
    uint64_t faults[DISK_FAULTS];
} disk;

uint64_t disk_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool is_main(void) {
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &disk.main) != 0;
}

static uint64_t draw(uint64_t below) {
    return disk_random(&disk.random[is_main() ? 0 : 1]) % below;
}

static uint64_t draw_power(uint64_t below) {
    return disk_random(&disk.random[2]) % below;
}

static void need(const void *p) {
    if (p == NULL) {
        fprintf(stderr, "the test itself has no memory\n");
        abort();
    }
}

/* The test's own memory: never refused, also where one call of libc ends in another. */
static void *grow(void *p, size_t n) {
    bool was_armed = disk.is_armed;
    disk.is_armed = false;
    p = __real_realloc(p, n);
    disk.is_armed = was_armed;
    need(p);
    return p;
}

/* ---- Content ---- */

static void content_size(struct content *c, uint64_t n) {
    if (n > c->room) {
        c->room = n * 2;
        c->p = grow(c->p, c->room);
    }
    if (n > c->n)
        memset(c->p + c->n, 0, n - c->n);
    c->n = n;
}

static void content_put(struct content *c, uint64_t at, const uint8_t *p, uint64_t n) {
    if (n == 0)
        return;
    if (at + n > c->n)
        content_size(c, at + n);
    memcpy(c->p + at, p, n);
}

static void changes_drop(struct node *node) {
    for (size_t i = 0; i < node->changes_n; i++)
        free(node->changes[i].bytes.p);
    node->changes_n = 0;
}

static struct node *node_make(void) {
    struct node *node = grow(NULL, sizeof *node);
    memset(node, 0, sizeof *node);
    if (disk.nodes_n == disk.nodes_room) {
        disk.nodes_room = disk.nodes_room * 2 + 64;
        disk.nodes = grow(disk.nodes, disk.nodes_room * sizeof *disk.nodes);
    }
    return disk.nodes[disk.nodes_n++] = node;
}

static struct change *change_add(struct node *node, bool is_size, uint64_t at) {
    if (node->changes_n == node->changes_room) {
        node->changes_room = node->changes_room * 2 + 16;
        node->changes = grow(node->changes, node->changes_room * sizeof *node->changes);
    }
    struct change *c = &node->changes[node->changes_n++];
    *c = (struct change){.is_size = is_size, .at = at};
    return c;
}

static void node_write(struct node *node, uint64_t at, const uint8_t *p, uint64_t n) {
    content_put(&change_add(node, false, at)->bytes, 0, p, n);
    content_put(&node->now, at, p, n);
}

static void apply(struct content *to, const struct change *c) {
    if (c->is_size)
        content_size(to, c->at);
    else
        content_put(to, c->at, c->bytes.p, c->bytes.n);
}

static void node_sync(struct node *node) {
    for (size_t i = 0; i < node->changes_n; i++)
        if (!node->changes[i].is_lost)
            apply(&node->durable, &node->changes[i]);
    changes_drop(node);
}

/* ---- Names ---- */

static void clean(const char *path, char out[NAME_MAX_BYTES]) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    snprintf(out, NAME_MAX_BYTES, "%.*s", (int)n, path);
}

static void folder_of(const char *path, char out[NAME_MAX_BYTES]) {
    clean(path, out);
    char *slash = strrchr(out, '/');
    if (slash != NULL)
        *slash = '\0';
    else
        snprintf(out, NAME_MAX_BYTES, ".");
}

static struct name *name_find(struct names *names, const char *path) {
    char wanted[NAME_MAX_BYTES];
    clean(path, wanted);
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->items[i].path, wanted) == 0)
            return &names->items[i];
    return NULL;
}

static bool is_root(const char *path) {
    char wanted[NAME_MAX_BYTES];
    clean(path, wanted);
    return strcmp(wanted, DISK_ROOT) == 0 || strcmp(wanted, ".") == 0;
}

static bool folder_is_there(struct names *names, const char *path) {
    const struct name *n = name_find(names, path);
    return is_root(path) || (n != NULL && n->node == NULL);
}

static void name_set(struct names *names, const char *path, struct node *node, bool is_given) {
    struct name *n = name_find(names, path);
    if (!is_given) {
        if (n != NULL)
            *n = names->items[--names->n];
        return;
    }
    if (n == NULL) {
        n = &names->items[names->n++];
        need(names->n < NAMES_MAX ? n : NULL);
        clean(path, n->path);
    }
    n->node = node;
}

static void rename_add(const char *path, struct node *node, bool is_given) {
    need(disk.pending_n < NAMES_MAX ? &disk : NULL);
    struct renaming *r = &disk.pending[disk.pending_n++];
    clean(path, r->path);
    r->node = node;
    r->is_given = is_given;
    name_set(&disk.now, path, node, is_given);
}

static void folder_sync(const char *path) {
    char wanted[NAME_MAX_BYTES], folder[NAME_MAX_BYTES];
    size_t kept = 0;
    clean(path, wanted);
    for (size_t i = 0; i < disk.pending_n; i++) {
        struct renaming r = disk.pending[i];
        folder_of(r.path, folder);
        if (strcmp(folder, wanted) == 0)
            name_set(&disk.durable, r.path, r.node, r.is_given);
        else
            disk.pending[kept++] = r;
    }
    disk.pending_n = kept;
}

/* ---- Faults ---- */

static bool happens(enum disk_fault kind) {
    if (!disk.is_armed || disk.odds[kind] == 0 || draw(disk.odds[kind]) != 0)
        return false;
    disk.faults[kind]++;
    return true;
}

/* Begins each call: 0, or the code with which it fails. *cuts: power goes in its middle. */
static int enter(bool *cuts) {
    mutex_lock(disk.mutex);
    if (cuts != NULL)
        *cuts = false;
    if (disk.is_off)
        return UV_EIO;
    if (disk.is_armed && disk.until_off > 0 && --disk.until_off == 0) {
        disk.is_off = true;
        disk.faults[DISK_POWER]++;
        if (cuts == NULL)
            return UV_EIO;
        *cuts = true;
        return 0;
    }
    return happens(DISK_IO) ? UV_EIO : 0;
}

static int leave(int status) {
    mutex_unlock(disk.mutex);
    return status;
}

static enum err leave_fault(int status, const char *what, const char *path, struct fault *f) {
    leave(0);
    return status < 0 ? file_fault(f, status, what, path) : ERR_OK;
}

static int make_room(uint64_t n) {
    if (happens(DISK_FULL))
        return UV_ENOSPC;
    if (n > disk.space) {
        disk.faults[DISK_FULL]++;
        return UV_ENOSPC;
    }
    disk.space -= disk.space == UINT64_MAX ? 0 : n;
    return 0;
}

/* ---- Files ---- */

static struct node *node_of(int fd) {
    return disk.handles[fd - FIRST_FD].node;
}

static int handle_make(struct node *node) {
    for (int i = 0; i < HANDLES_MAX; i++) {
        if (disk.handles[i].node != NULL)
            continue;
        disk.handles[i].node = node;
        disk.handles[i].at = 0;
        return FIRST_FD + i;
    }
    return UV_EMFILE;
}

int __wrap_uv_fs_open(uv_loop_t *loop, uv_fs_t *req, const char *path, int flags, int mode,
                      uv_fs_cb cb) {
    (void)loop;
    (void)flags;
    (void)mode;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(NULL);
    const struct name *n = name_find(&disk.now, path);
    if (status == 0)
        status = n == NULL || n->node == NULL ? UV_ENOENT : handle_make(n->node);
    return leave(status);
}

int __wrap_os_file_make(const char *path, int mode) {
    char folder[NAME_MAX_BYTES];
    (void)mode;
    int status = enter(NULL);
    folder_of(path, folder);
    if (status == 0 && !folder_is_there(&disk.now, folder))
        status = UV_ENOENT;
    if (status == 0 && name_find(&disk.now, path) != NULL)
        status = UV_EEXIST;
    if (status == 0)
        status = make_room(1);
    if (status == 0) {
        struct node *node = node_make();
        rename_add(path, node, true);
        status = handle_make(node);
    }
    return leave(status);
}

int __wrap_uv_fs_close(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb) {
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    mutex_lock(disk.mutex);
    disk.handles[fd - FIRST_FD].node = NULL;
    return leave(0);
}

/* How much of n bytes a call does, or a code. */
static int64_t part_of(uint64_t n) {
    if (happens(DISK_EINTR))
        return UV_EINTR;
    return n > 1 && happens(DISK_SHORT) ? (int64_t)(1 + draw(n - 1)) : (int64_t)n;
}

int __wrap_uv_fs_read(uv_loop_t *loop, uv_fs_t *req, uv_file fd, const uv_buf_t bufs[],
                      unsigned nbufs, int64_t at, uv_fs_cb cb) {
    (void)loop;
    (void)nbufs;
    (void)cb;
    memset(req, 0, sizeof *req);
    int64_t n = enter(NULL);
    const struct content *c = &node_of(fd)->now;
    uint64_t from = (uint64_t)(at < 0 ? disk.handles[fd - FIRST_FD].at : at);
    uint64_t left = from < c->n ? c->n - from : 0;
    if (n == 0)
        n = part_of(bufs[0].len < left ? bufs[0].len : left);
    if (n > 0)
        memcpy(bufs[0].base, c->p + from, (size_t)n);
    if (n > 0 && at < 0)
        disk.handles[fd - FIRST_FD].at += n;
    return leave((int)n);
}

int __wrap_uv_fs_write(uv_loop_t *loop, uv_fs_t *req, uv_file fd, const uv_buf_t bufs[],
                       unsigned nbufs, int64_t at, uv_fs_cb cb) {
    bool cuts;
    (void)loop;
    (void)nbufs;
    (void)cb;
    memset(req, 0, sizeof *req);
    int64_t n = enter(&cuts);
    uint64_t to = (uint64_t)(at < 0 ? disk.handles[fd - FIRST_FD].at : at);
    if (n == 0)
        n = part_of(bufs[0].len);
    if (n > 0 && (uint64_t)n > disk.space && disk.space > 0)
        n = (int64_t)disk.space; /* the rest of the room, then none */
    int status = n > 0 ? make_room((uint64_t)n) : (int)n;
    if (status == 0 && n > 0)
        node_write(node_of(fd), to, (const uint8_t *)bufs[0].base, (uint64_t)n);
    if (status == 0 && n > 0 && at < 0)
        disk.handles[fd - FIRST_FD].at += n;
    return leave(cuts ? UV_EIO : status == 0 ? (int)n : status);
}

/* Linux forgets bytes that it could not write: the next sync succeeds without them. */
static void forget(struct node *node) {
    for (size_t i = 0; i < node->changes_n; i++)
        node->changes[i].is_lost |= !node->changes[i].is_size;
}

int __wrap_uv_fs_fsync(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb) {
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(NULL);
    if (status == 0 && happens(DISK_SYNC))
        status = UV_EIO;
    if (status == 0)
        node_sync(node_of(fd));
    else
        forget(node_of(fd));
    return leave(status);
}

int __wrap_uv_fs_ftruncate(uv_loop_t *loop, uv_fs_t *req, uv_file fd, int64_t size, uv_fs_cb cb) {
    bool cuts;
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(&cuts);
    if (status == 0) {
        change_add(node_of(fd), true, (uint64_t)size);
        content_size(&node_of(fd)->now, (uint64_t)size);
    }
    return leave(cuts ? UV_EIO : status);
}

int __wrap_uv_fs_fstat(uv_loop_t *loop, uv_fs_t *req, uv_file fd, uv_fs_cb cb) {
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(NULL);
    req->statbuf.st_size = node_of(fd)->now.n;
    return leave(status);
}

int __wrap_uv_fs_stat(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb) {
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(NULL);
    if (status == 0 && !is_root(path) && name_find(&disk.now, path) == NULL)
        status = UV_ENOENT;
    return leave(status);
}

int __wrap_uv_fs_unlink(uv_loop_t *loop, uv_fs_t *req, const char *path, uv_fs_cb cb) {
    bool cuts;
    (void)loop;
    (void)cb;
    memset(req, 0, sizeof *req);
    int status = enter(&cuts);
    const struct name *n = name_find(&disk.now, path);
    if (status == 0 && (n == NULL || n->node == NULL))
        status = UV_ENOENT;
    if (status == 0)
        rename_add(path, n->node, false);
    return leave(cuts ? UV_EIO : status);
}

int __wrap_os_dir_make(const char *path, int mode) {
    (void)mode;
    char folder[NAME_MAX_BYTES];
    int status = enter(NULL);
    folder_of(path, folder);
    if (status == 0 && (is_root(path) || name_find(&disk.now, path) != NULL))
        status = UV_EEXIST;
    if (status == 0 && !folder_is_there(&disk.now, folder))
        status = UV_ENOENT;
    if (status == 0)
        status = make_room(1);
    if (status == 0)
        rename_add(path, NULL, true);
    return leave(status);
}

int __wrap_os_rename(const char *from, const char *to) {
    bool cuts;
    int status = enter(&cuts);
    const struct name *n = name_find(&disk.now, from);
    if (status == 0 && n == NULL)
        status = UV_ENOENT;
    if (status == 0) {
        struct node *node = n->node;
        rename_add(to, node, true);
        rename_add(from, node, false);
    }
    return leave(cuts ? UV_EIO : status);
}

enum err __wrap_os_dir_sync(const char *path, struct fault *f) {
    int status = enter(NULL);
    if (status == 0 && !folder_is_there(&disk.now, path))
        status = UV_ENOENT;
    if (status == 0 && happens(DISK_SYNC))
        status = UV_EIO;
    if (status == 0)
        folder_sync(path);
    return leave_fault(status, "fsync", path, f);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

enum err __wrap_dir_list(const char *path, dir_visit *visit, void *context, struct fault *f) {
    static struct names seen; /* one walk at a time */
    char wanted[NAME_MAX_BYTES], folder[NAME_MAX_BYTES];
    int status = enter(NULL);
    clean(path, wanted);
    seen.n = 0;
    if (status == 0 && !folder_is_there(&disk.now, path))
        status = UV_ENOENT;
    for (size_t i = 0; i < disk.now.n && status == 0; i++) {
        folder_of(disk.now.items[i].path, folder);
        if (strcmp(folder, wanted) == 0)
            seen.items[seen.n++] = disk.now.items[i];
    }
    qsort(seen.items, seen.n, sizeof seen.items[0], compare_names);
    enum err code = leave_fault(status, "list", path, f);
    for (size_t i = 0; i < seen.n && code == ERR_OK; i++)
        if (!visit(context, path_base(seen.items[i].path), seen.items[i].node == NULL))
            break;
    return code;
}

enum err __wrap_os_map_open(struct os_map *map, const char *path, struct fault *f) {
    *map = (struct os_map){NULL, 0};
    int status = enter(NULL);
    const struct name *n = name_find(&disk.now, path);
    if (status == 0 && (n == NULL || n->node == NULL))
        status = UV_ENOENT;
    if (status == 0 && n->node->now.n > 0) {
        map->n = (size_t)n->node->now.n;
        map->p = grow(NULL, map->n);
        memcpy(map->p, n->node->now.p, map->n);
    }
    return leave_fault(status, "mmap", path, f);
}

void __wrap_os_map_close(struct os_map *map) {
    free(map->p);
    *map = (struct os_map){NULL, 0};
}

enum err __wrap_os_lock_open(struct os_lock *lock, const char *path, struct fault *f) {
    lock->handle = -1;
    int status = enter(NULL);
    bool is_held = status == 0 && disk.is_locked;
    if (status == 0 && !is_held) {
        disk.is_locked = true;
        lock->handle = 1;
    }
    leave(0);
    if (is_held)
        return fault_set(f, ERR_LOCKED, "lock", "%s", path);
    return status < 0 ? file_fault(f, status, "lock", path) : ERR_OK;
}

void __wrap_os_lock_close(struct os_lock *lock) {
    mutex_lock(disk.mutex);
    if (lock->handle == 1)
        disk.is_locked = false;
    lock->handle = -1;
    leave(0);
}

/* ---- Memory and threads ---- */

static bool is_refused(void) {
    return disk.is_armed && disk.odds[DISK_MEMORY] > 0 && happens(DISK_MEMORY);
}

void *__wrap_malloc(size_t n) {
    return is_refused() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size) {
    return is_refused() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n) {
    return is_refused() ? NULL : __real_realloc(p, n);
}

struct thread *__wrap_thread_start(void (*run)(void *argument), void *argument) {
    if (!is_main())
        return NULL;
    disk.is_idle = false;
    return __real_thread_start(run, argument);
}

void __wrap_cond_wait(struct cond *c, struct mutex *m) {
    if (is_main()) {
        __real_cond_wait(c, m);
        return;
    }
    mutex_lock(disk.mutex);
    disk.is_idle = true;
    disk.idle_at = c;
    cond_broadcast(disk.moved);
    mutex_unlock(disk.mutex);
    __real_cond_wait(c, m);
    mutex_lock(disk.mutex);
    disk.is_idle = false;
    mutex_unlock(disk.mutex);
}

/* The main thread has something for the log's, where that one waits for it. */
void __wrap_cond_signal(struct cond *c) {
    if (is_main()) {
        mutex_lock(disk.mutex);
        disk.is_idle = disk.is_idle && c != disk.idle_at;
        mutex_unlock(disk.mutex);
    }
    __real_cond_signal(c);
}

/* Nobody else is there to be waited for. */
bool __wrap_cond_wait_ms(struct cond *c, struct mutex *m, uint64_t ms) {
    (void)c;
    (void)m;
    (void)ms;
    return false;
}

void disk_settle(void) {
    mutex_lock(disk.mutex);
    while (!disk.is_idle)
        __real_cond_wait(disk.moved, disk.mutex);
    mutex_unlock(disk.mutex);
}

/* ---- Plans ---- */

void disk_reset(uint64_t seed) {
    if (disk.mutex == NULL) {
        disk.mutex = mutex_open();
        disk.moved = cond_open();
        need(disk.mutex);
        need(disk.moved);
        disk.main = uv_thread_self();
    }
    for (size_t i = 0; i < disk.nodes_n; i++) {
        changes_drop(disk.nodes[i]);
        free(disk.nodes[i]->changes);
        free(disk.nodes[i]->now.p);
        free(disk.nodes[i]->durable.p);
        free(disk.nodes[i]);
    }
    disk.nodes_n = disk.now.n = disk.durable.n = disk.pending_n = 0;
    for (size_t i = 0; i < 3; i++)
        disk.random[i] = seed * 3 + i;
    memset(disk.odds, 0, sizeof disk.odds);
    disk.is_armed = disk.is_off = disk.is_locked = false;
    disk.space = UINT64_MAX;
    disk.until_off = 0;
}

void disk_odds(enum disk_fault kind, unsigned one_in) {
    disk.odds[kind] = one_in;
}

void disk_arm(bool is_armed) {
    disk.is_armed = is_armed;
}

void disk_space(uint64_t bytes) {
    disk.space = bytes;
}

void disk_power_off_after(uint64_t calls) {
    disk.until_off = calls;
}

bool disk_is_off(void) {
    return disk.is_off;
}

uint64_t disk_faults(enum disk_fault kind) {
    return disk.faults[kind];
}

/* ---- What power leaves ---- */

enum left { LEFT_NONE, LEFT_ALL, LEFT_BEGIN, LEFT_ANY, LEFT_KINDS };

static bool is_left(enum left how, size_t i, size_t begin) {
    return how == LEFT_ALL || (how == LEFT_BEGIN && i < begin) ||
           (how == LEFT_ANY && draw_power(2) == 0);
}

static struct content content_after(const struct node *node, size_t changes) {
    struct content c = {NULL, 0, 0};
    content_put(&c, 0, node->durable.p, node->durable.n);
    for (size_t i = 0; i < changes; i++)
        apply(&c, &node->changes[i]);
    return c;
}

/* The size as after some of the changes; each sector as it was durable, or as after these
 * changes, or as after all of them. */
static void leave_sectors(struct node *node, size_t begin) {
    struct content some = content_after(node, begin), all = content_after(node, node->changes_n);
    content_size(&node->durable, some.n);
    for (uint64_t at = 0; at < some.n; at += SECTOR) {
        const struct content *from = draw_power(2) ? &some : &all;
        uint64_t end = at + SECTOR < some.n ? at + SECTOR : some.n;
        end = end < from->n ? end : from->n;
        if (draw_power(2) == 0 && end > at)
            content_put(&node->durable, at, from->p + at, end - at);
    }
    free(some.p);
    free(all.p);
}

static void node_lose_power(struct node *node) {
    enum left how = (enum left)draw_power(LEFT_KINDS);
    size_t begin = (size_t)draw_power(node->changes_n + 1);
    if (how == LEFT_ANY)
        leave_sectors(node, begin);
    for (size_t i = 0; i < node->changes_n; i++)
        if (how != LEFT_ANY && is_left(how, i, begin))
            apply(&node->durable, &node->changes[i]);
    changes_drop(node);
    node->now.n = 0;
    content_put(&node->now, 0, node->durable.p, node->durable.n);
}

static void drop_without_folder(void) {
    char folder[NAME_MAX_BYTES];
    for (size_t i = 0; i < disk.durable.n;) {
        folder_of(disk.durable.items[i].path, folder);
        if (folder_is_there(&disk.durable, folder)) {
            i++;
            continue;
        }
        disk.durable.items[i] = disk.durable.items[--disk.durable.n];
        i = 0;
    }
}

void disk_power_on(void) {
    enum left how = (enum left)draw_power(LEFT_KINDS);
    size_t begin = (size_t)draw_power(disk.pending_n + 1);
    for (size_t i = 0; i < disk.pending_n; i++) {
        const struct renaming *r = &disk.pending[i];
        if (is_left(how, i, begin))
            name_set(&disk.durable, r->path, r->node, r->is_given);
    }
    disk.pending_n = 0;
    drop_without_folder();
    for (size_t i = 0; i < disk.nodes_n; i++)
        node_lose_power(disk.nodes[i]);
    disk.now = disk.durable;
    disk.is_off = disk.is_locked = false;
    disk.until_off = 0;
    disk.space = UINT64_MAX;
}

/* ---- Looking ---- */

bool disk_flip(const char *path, uint64_t bit) {
    struct name *n = name_find(&disk.now, path);
    if (n == NULL || n->node == NULL || bit / 8 >= n->node->now.n)
        return false;
    n->node->now.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    if (bit / 8 < n->node->durable.n)
        n->node->durable.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    return true;
}

uint64_t disk_size(const char *path) {
    const struct name *n = name_find(&disk.now, path);
    return n != NULL && n->node != NULL ? n->node->now.n : 0;
}

bool disk_exists(const char *path) {
    return name_find(&disk.now, path) != NULL;
}
