/* Writing: batches into blocks, one write, one sync. See segment.h for the bytes. */
#include "store/log/private.h"

#include <string.h>

char *log_segment_path(struct arena *a, const char *dir, uint32_t number) {
    char name[24];
    segment_name(number, name);
    return path_join(a, dir, name);
}

/* ---- The calls that change files ---- */

enum err log_put(struct store_log *log, uint64_t at, struct bytes b, struct fault *f) {
    const struct store_io *io = log->options.io;
    return io != NULL ? io->write_at(io->context, &log->file, at, b, f)
                      : file_write_at(&log->file, at, b, f);
}

enum err log_sync(struct store_log *log, struct fault *f) {
    const struct store_io *io = log->options.io;
    return io != NULL ? io->sync(io->context, &log->file, f) : file_sync(&log->file, f);
}

enum err log_cut(struct store_log *log, uint64_t size, struct fault *f) {
    const struct store_io *io = log->options.io;
    return io != NULL ? io->truncate(io->context, &log->file, size, f)
                      : file_truncate(&log->file, size, f);
}

static enum err end(struct store_log *log, const struct fault *f) {
    mutex_lock(log->mutex);
    log->ended = *f;
    mutex_unlock(log->mutex);
    return f->code;
}

/* ---- Segments ---- */

/* The head is durable, and the file's name too, before a block is written into it. */
static enum err segment_begin(struct store_log *log, const char *path, const struct segment_head *h,
                              uint64_t *size, struct fault *f) {
    struct buf head;
    buf_init(&head, SEGMENT_HEAD + STORE_TREE_RANGE_MAX * 32);
    segment_head_write(h, &head);
    enum err code = head.err != ERR_OK ? fault_set(f, head.err, "segment", "%s", path)
                                       : file_open(&log->file, path, FILE_APPEND, f);
    if (code == ERR_OK)
        code = log_put(log, 0, buf_bytes(&head), f);
    if (code == ERR_OK)
        code = log_sync(log, f);
    if (code == ERR_OK)
        code = os_dir_sync(log->dir, f);
    *size = head.n;
    buf_clear(&head);
    return code;
}

enum err log_segment_make(struct store_log *log, uint32_t number, struct fault *f) {
    struct segment_head h = {.number = number, .tree = log->tree};
    struct file old = log->file;
    uint64_t size;
    struct arena a;
    arena_init(&a, 1 << 16);
    char *path = log_segment_path(&a, log->dir, number);
    enum err code = ERR_OK;
    if (path == NULL)
        code = fault_set(f, ERR_MEMORY, "segment", "%u", (unsigned)number);
    else if (!log->env.random(log->env.context, h.salt, SEGMENT_SALT))
        code = fault_set(f, ERR_FAILED, "random bytes", "%s", path);
    log->file.fd = -1;
    if (code == ERR_OK)
        code = segment_begin(log, path, &h, &size, f);
    if (code == ERR_OK) {
        file_close(&old);
        log->segment = number;
        memcpy(log->salt, h.salt, SEGMENT_SALT);
        log->size = size;
        mutex_lock(log->mutex);
        log->bytes += size;
        log->point = (struct store_point){.segment = number, .at = size};
        log->full = number - 1;
        log->turns = false;
        cond_signal(log->full_wake);
        mutex_unlock(log->mutex);
    } else {
        file_close(&log->file);
        log->file = old;
        struct fault ignored;
        if (path != NULL && file_remove(path, &ignored) != ERR_OK && code == ERR_FULL)
            code = fault_set(f, ERR_IO, "remove", "%s", path);
    }
    arena_clear(&a);
    return code;
}

/* ---- Blocks ---- */

struct packing {
    struct store_log *log;
    uint64_t next;  /* number of the next entry */
    uint32_t count; /* entries in log->raw */
    uint8_t flags;  /* BLOCK_FIRST until the first block is out */
    enum err err;
};

/* A last sector that never came shows by its zeros, where they are many. A few bytes of a
 * commit in its last sector must not all be zero for that. */
static bool hides_end(const struct store_log *log) {
    uint64_t tail = (log->size + log->out.n) % SEGMENT_SECTOR;
    return tail > 0 && tail < SEGMENT_ZEROS && log->out.p[log->out.n - 1] == 0;
}

/* Appends the payload, and says with which codec. */
static enum err payload_out(struct store_log *log, bool is_last, uint8_t *codec) {
    struct bytes raw = buf_bytes(&log->raw);
    size_t mark = log->out.n;
    enum err code = block_deflate(log->deflater, raw, &log->out, codec);
    if (code != ERR_OK || !is_last || !hides_end(log))
        return code;
    *codec = BLOCK_DEFLATE_1;
    buf_cut(&log->out, mark);
    return zip_deflate_marked(log->deflater, store_dictionary_1(), raw, &log->out);
}

static void block_out(struct packing *p, uint8_t last) {
    struct store_log *log = p->log;
    struct block_head h = {.version = BLOCK_VERSION,
                           .kind = BLOCK_ENTRIES,
                           .flags = (uint8_t)(p->flags | last),
                           .first = p->next - p->count,
                           .count = p->count,
                           .unpacked = (uint32_t)log->raw.n};
    struct store_place place = {h.first, log->size + log->out.n, log->segment, 0};
    memcpy(h.salt, log->salt, SEGMENT_SALT);
    size_t begin = block_begin(&log->out);
    p->err = payload_out(log, last != 0, &h.codec);
    if (p->err == ERR_OK)
        p->err = block_close(&log->out, begin, &h);
    if (p->err == ERR_OK)
        p->err = log_places_add(&log->made, place);
    if (p->err != ERR_OK)
        return;
    buf_reset(&log->raw);
    p->count = 0;
    p->flags = 0;
}

static void pack_batch(struct packing *p, struct log_batch *batch) {
    struct store_log *log = p->log;
    struct cur c = cur_open(buf_bytes(&batch->bytes));
    batch->first = p->next;
    for (size_t i = 0; i < batch->n && p->err == ERR_OK; i++) {
        struct store_entry e;
        struct bytes from = c.rest;
        if (!store_entry_take(&c, &e)) {
            p->err = ERR_FAILED;
            return;
        }
        if (log->raw.n >= log->options.block_bytes)
            block_out(p, 0);
        buf_put(&log->raw, bytes_part(from, 0, from.n - c.rest.n));
        p->count++;
        p->next++;
    }
    if (p->err == ERR_OK)
        p->err = log->raw.err;
}

static enum err pack(struct store_log *log, struct log_batch *list, struct fault *f) {
    struct packing p = {.log = log, .next = log->tree.size, .flags = BLOCK_FIRST};
    buf_reset(&log->raw);
    buf_reset(&log->out);
    log->made.n = 0;
    for (struct log_batch *b = list; b != NULL && p.err == ERR_OK; b = b->next)
        pack_batch(&p, b);
    if (p.err == ERR_OK)
        block_out(&p, BLOCK_LAST);
    return p.err == ERR_OK ? ERR_OK : fault_set(f, p.err, "log", "packing");
}

/* ---- The commit ---- */

/* After a failed write the file may have any part of it: back to what was good. That must be
 * durable too: else power that goes later could bring back what was refused, behind a segment
 * that has been followed by another or mixed with what is written in its place. */
static enum err write_failed(struct store_log *log, struct fault *f) {
    struct fault second;
    if (f->code == ERR_FULL && log_cut(log, log->size, &second) == ERR_OK &&
        log_sync(log, &second) == ERR_OK)
        return f->code;
    return end(log, f);
}

/* Before anything is written: what is durable must be found too. */
static enum err make_room(struct store_log *log, struct fault *f) {
    mutex_lock(log->mutex);
    enum err code = log_places_reserve(&log->places, log->made.n);
    mutex_unlock(log->mutex);
    return code == ERR_OK ? ERR_OK : fault_set(f, code, "log", "table of blocks");
}

static void publish(struct store_log *log, struct log_batch *list) {
    mutex_lock(log->mutex);
    for (size_t i = 0; i < log->made.n; i++)
        log->places.items[log->places.n++] = log->made.items[i];
    for (struct log_batch *b = list; b != NULL; b = b->next)
        for (size_t i = 0; i < b->n; i++)
            store_tree_add(&log->tree, b->leaves[i]);
    log->bytes += log->out.n;
    log->size += log->out.n;
    log->point = (struct store_point){.segment = log->segment, .at = log->size};
    mutex_unlock(log->mutex);
}

/* What follows from the entries is told in their order, before `done` is. */
static enum err apply(struct store_log *log, const struct log_batch *list, struct fault *f) {
    if (log->options.replay == NULL)
        return ERR_OK;
    for (const struct log_batch *b = list; b != NULL; b = b->next) {
        struct cur c = cur_open(buf_bytes(&b->bytes));
        struct store_entry e;
        for (e.number = b->first; store_entry_take(&c, &e); e.number++) {
            enum err code = log->options.replay(log->options.replay_context, &e);
            if (code != ERR_OK)
                return fault_set(f, code, "log", "entry %llu", (unsigned long long)e.number);
        }
    }
    return ERR_OK;
}

static bool is_to_turn(struct store_log *log) {
    mutex_lock(log->mutex);
    bool turns = log->turns && log->places.n > 0 &&
                 log->places.items[log->places.n - 1].segment == log->segment;
    mutex_unlock(log->mutex);
    return turns;
}

enum err log_commit(struct store_log *log, struct log_batch *list, struct fault *f) {
    enum err code = ERR_OK;
    if (log->size >= log->options.segment_bytes || is_to_turn(log))
        code = log_segment_make(log, log->segment + 1, f);
    if (code != ERR_OK)
        return code == ERR_FULL ? code : end(log, f);
    code = pack(log, list, f);
    if (code == ERR_OK)
        code = make_room(log, f);
    if (code != ERR_OK)
        return code;
    if (log_put(log, log->size, buf_bytes(&log->out), f) != ERR_OK)
        return write_failed(log, f);
    if (log_sync(log, f) != ERR_OK)
        return end(log, f);
    struct fault late;
    publish(log, list);
    if (apply(log, list, &late) != ERR_OK)
        end(log, &late);
    return ERR_OK;
}
