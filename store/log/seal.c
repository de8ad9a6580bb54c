/* Sealing: a full segment is written anew, smaller, and takes the place of the old file.
 *
 * Live blocks are small, for a commit is as large as what waited for it. In a sealed segment
 * (segment.h) they have LOG_SEALED_BYTES, in columns (columns.h), or deflated where that is
 * smaller. The size is a trade. Of certificates of 1,131 bytes one takes 594 bytes deflated in
 * blocks of 128 KiB; in columns 513, of 160 KiB 509, of 256 KiB 501, of 1 MiB 489: 461 of them are
 * keys, signatures and other random bytes. And to read one costs 0.45, 0.49 and 0.62 of what it
 * did deflated.
 *
 * The thread works when others have nothing to do, and holds no lock while it reads and writes:
 * commits do not wait for it. It writes `00000001.new`, syncs it, reads it again, compares each
 * entry with the old one, byte for byte, and renames it over `00000001.seg`. So at each point of
 * a crash there is one file of that name, and it is whole; a `.new` that is left is removed at
 * the next start.
 *
 * Dropping payloads (store_log_compact) is the same once more: who asks says which entries go, and
 * in the new file each of them has a place keeper with the leaf hash that its bytes have in the old
 * one. What is compared then is that hash, and that nothing else has gone.
 *
 * What has places of the old blocks stays right: they are looked up in the table of the new file
 * where they no longer hold (fetch.c, and recover.c for a mark). A segment with harm in it is left
 * as it is, since only there its harm can be judged. */
#include "store/log/columns.h"
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>

enum {
    SYNC_BYTES = 4 << 20, /* so that no commit's sync has to wait for much of ours */
    RETRY_MS = 60000      /* after a disk that was full */
};

/* ---- Entries of a file, one after the other ---- */

struct stream {
    struct segment_walk walk;
    struct cur rest;    /* of the block at hand */
    struct bytes entry; /* canonical, or a place keeper */
    struct store_entry parsed;
    uint64_t number; /* of the next entry */
    bool is_end;
};

static enum err stream_open(struct stream *s, const char *path, uint32_t number, struct fault *f) {
    memset(s, 0, sizeof *s);
    enum err code = segment_walk_open(&s->walk, path, number, false, UINT64_MAX, f);
    if (code != ERR_OK)
        return code;
    enum segment_step step = segment_walk_from(&s->walk, 0, 0, f);
    if (step == SEGMENT_BLOCK && s->walk.head.number == number) {
        s->walk.next = s->number = s->walk.head.tree.size;
        return ERR_OK;
    }
    segment_walk_close(&s->walk);
    return step == SEGMENT_ERROR ? f->code : fault_set(f, ERR_DAMAGED, "segment", "%s", path);
}

static enum err stream_block(struct stream *s, struct fault *f) {
    switch (segment_walk_next(&s->walk, f)) {
    case SEGMENT_BLOCK:
        s->rest = cur_open(buf_bytes(&s->walk.payload));
        return ERR_OK;
    case SEGMENT_END:
        s->is_end = true;
        return ERR_OK;
    case SEGMENT_HARM:
        return fault_set(f, ERR_DAMAGED, "segment", "%s at byte %llu", s->walk.name,
                         (unsigned long long)s->walk.harm.at);
    default:
        return f->code;
    }
}

static enum err stream_next(struct stream *s, struct fault *f) {
    while (s->rest.rest.n == 0 && !s->is_end) {
        enum err code = stream_block(s, f);
        if (code != ERR_OK)
            return code;
    }
    if (s->is_end)
        return ERR_OK;
    struct bytes from = s->rest.rest;
    if (!block_entry_take(&s->walk.block, &s->rest, &s->parsed))
        return fault_set(f, ERR_DAMAGED, "entry", "%llu", (unsigned long long)s->number);
    s->entry = bytes_part(from, 0, from.n - s->rest.rest.n);
    s->number++;
    return ERR_OK;
}

/* ---- Writing ---- */

struct sealing {
    struct store_log *log;
    uint32_t number;
    const char *path, *made; /* the segment, the file that shall be it */
    struct file file;
    uint64_t at, synced; /* end of the file so far, and of what is surely on the disk */
    struct zip_deflater *deflater;
    struct buf raw, out;
    uint32_t count; /* entries in raw */
    uint64_t next;  /* number of the first one */
    uint8_t salt[SEGMENT_SALT];
    struct log_places places;
    uint64_t old_size;
    store_drops *drops; /* NULL: nothing is dropped */
    void *context;
    struct buf rest;
    bool has_keepers; /* in raw */
    uint64_t dropped; /* entries, now */
    struct fault *f;
};

static enum err sync_file(struct sealing *s) {
    const struct store_io *io = s->log->options.io;
    s->synced = s->at;
    return io != NULL ? io->sync(io->context, &s->file, s->f) : file_sync(&s->file, s->f);
}

/* Writes what is in s->out. */
static enum err put(struct sealing *s) {
    const struct store_io *io = s->log->options.io;
    struct bytes b = buf_bytes(&s->out);
    enum err code = s->out.err != ERR_OK ? fault_set(s->f, s->out.err, "segment", "%s", s->made)
                    : io != NULL         ? io->write_at(io->context, &s->file, s->at, b, s->f)
                                         : file_write_at(&s->file, s->at, b, s->f);
    s->at += b.n;
    if (code == ERR_OK && s->at - s->synced >= SYNC_BYTES)
        code = sync_file(s);
    return code;
}

/* Deflated, or in columns where that is smaller. */
static enum err payload_out(struct sealing *s, struct bytes entries, uint8_t *codec) {
    struct buf columns;
    size_t mark = s->out.n;
    enum err code = block_deflate(s->deflater, entries, &s->out, codec);
    if (code != ERR_OK)
        return code;
    buf_init(&columns, SEGMENT_BLOCK_MAX);
    code = columns_pack(s->deflater, entries, &columns);
    if (code == ERR_OK && columns.n < s->out.n - mark) {
        *codec = BLOCK_COLUMNS;
        buf_cut(&s->out, mark);
        buf_put(&s->out, buf_bytes(&columns));
    }
    buf_clear(&columns);
    return code == ERR_LIMIT ? ERR_OK : code;
}

/* What is in s->raw as a block, a commit of its own. */
static enum err put_block(struct sealing *s, uint8_t kind) {
    struct block_head h = {.version = BLOCK_VERSION,
                           .kind = kind,
                           .codec = BLOCK_STORED,
                           .flags = BLOCK_FIRST | BLOCK_LAST,
                           .first = s->next,
                           .count = s->count,
                           .unpacked = (uint32_t)s->raw.n};
    struct bytes raw = buf_bytes(&s->raw);
    enum err code = s->raw.err;
    memcpy(h.salt, s->salt, SEGMENT_SALT);
    buf_reset(&s->out);
    size_t begin = block_begin(&s->out);
    if (code == ERR_OK && kind < BLOCK_KINDS_IGNORED)
        code = payload_out(s, raw, &h.codec);
    else
        buf_put(&s->out, raw);
    if (code == ERR_OK)
        code = block_close(&s->out, begin, &h);
    if (code == ERR_OK && kind < BLOCK_KINDS_IGNORED)
        code = log_places_add(&s->places, (struct store_place){s->next, s->at, s->number, 0});
    if (code != ERR_OK)
        return fault_set(s->f, code, "segment", "%s", s->made);
    s->next += s->count;
    s->count = 0;
    s->has_keepers = false;
    buf_reset(&s->raw);
    return put(s);
}

static bool is_closing(struct store_log *log) {
    mutex_lock(log->mutex);
    bool closing = log->closing || log->ended.code != ERR_OK;
    mutex_unlock(log->mutex);
    return closing;
}

/* Then the rest that stays is in s->rest. */
static bool is_to_drop(struct sealing *s, const struct stream *old) {
    struct store_entry e = old->parsed;
    e.number = old->number - 1;
    buf_reset(&s->rest);
    return s->drops != NULL && !e.is_dropped && s->drops(s->context, &e, &s->rest);
}

static void put_entry(struct sealing *s, const struct stream *old) {
    bool goes = is_to_drop(s, old);
    if (goes) {
        uint8_t leaf[STORE_HASH_SIZE];
        struct store_entry keeper = old->parsed;
        store_leaf_hash(old->entry, leaf);
        keeper.is_dropped = true;
        keeper.payload = bytes_of(leaf, sizeof leaf);
        keeper.rest = buf_bytes(&s->rest);
        store_entry_write(&keeper, &s->raw);
        s->dropped++;
    } else {
        buf_put(&s->raw, old->entry);
    }
    s->has_keepers |= goes || old->parsed.is_dropped;
    s->count++;
}

static enum err put_blocks(struct sealing *s, struct stream *old) {
    for (;;) {
        enum err code = stream_next(old, s->f);
        if (code != ERR_OK)
            return code;
        if (s->count > 0 && (old->is_end || s->raw.n >= s->log->options.sealed_bytes)) {
            if (is_closing(s->log))
                return fault_set(s->f, ERR_INTERRUPTED, "segment", "%s", s->made);
            code = put_block(s, s->has_keepers ? BLOCK_KEPT : BLOCK_ENTRIES);
            if (code != ERR_OK)
                return code;
        }
        if (old->is_end)
            return ERR_OK;
        put_entry(s, old);
    }
}

static enum err put_all(struct sealing *s, struct stream *old) {
    memcpy(s->salt, old->walk.head.salt, SEGMENT_SALT);
    s->next = old->walk.head.tree.size;
    segment_head_write(&old->walk.head, &s->out);
    enum err code = put(s);
    if (code == ERR_OK)
        code = put_blocks(s, old);
    if (code != ERR_OK)
        return code;
    segment_table_write(&s->places, &s->raw);
    code = put_block(s, BLOCK_TABLE);
    return code == ERR_OK ? sync_file(s) : code;
}

static enum err write_file(struct sealing *s) {
    struct stream old;
    enum err code = file_remove(s->made, s->f);
    if (code == ERR_OK)
        code = stream_open(&old, s->path, s->number, s->f);
    if (code != ERR_OK)
        return code;
    s->old_size = old.walk.size;
    code = file_open(&s->file, s->made, FILE_APPEND, s->f);
    if (code == ERR_OK)
        code = put_all(s, &old);
    file_close(&s->file);
    segment_walk_close(&old.walk);
    return code;
}

/* ---- Comparing ---- */

/* The same bytes, or a keeper of what was to go. */
static bool is_kept(struct sealing *s, const struct stream *a, const struct stream *b) {
    uint8_t leaf[STORE_HASH_SIZE];
    if (!is_to_drop(s, a))
        return bytes_equal(a->entry, b->entry);
    const struct store_entry *x = &a->parsed, *y = &b->parsed;
    store_leaf_hash(a->entry, leaf);
    return y->is_dropped && y->type == x->type && y->version == x->version &&
           y->time_ms == x->time_ms && bytes_equal(y->rest, buf_bytes(&s->rest)) &&
           bytes_equal(y->payload, bytes_of(leaf, sizeof leaf));
}

static enum err compare_all(struct sealing *s, struct stream *a, struct stream *b) {
    while (!a->is_end) {
        enum err code = is_closing(s->log)
                            ? fault_set(s->f, ERR_INTERRUPTED, "segment", "%s", s->made)
                            : stream_next(a, s->f);
        if (code == ERR_OK)
            code = stream_next(b, s->f);
        if (code != ERR_OK)
            return code;
        if (a->is_end != b->is_end || a->number != b->number || (!a->is_end && !is_kept(s, a, b)))
            return fault_set(s->f, ERR_FAILED, "segment", "%s: entry %llu is another", s->made,
                             (unsigned long long)a->number);
    }
    return ERR_OK;
}

static bool is_same_head(const struct segment_head *a, const struct segment_head *b) {
    uint8_t x[STORE_HASH_SIZE], y[STORE_HASH_SIZE];
    store_tree_root(&a->tree, x);
    store_tree_root(&b->tree, y);
    return a->tree.size == b->tree.size && memcmp(x, y, sizeof x) == 0 &&
           memcmp(a->salt, b->salt, SEGMENT_SALT) == 0;
}

/* The end of what is sealed must be found too. */
static enum err compare_table(struct sealing *s, const struct stream *made) {
    struct segment_table t = {.is_sealed = false};
    enum err code = segment_table_load(&made->walk.file, s->number, &t);
    bool is_same = t.is_sealed && t.end == s->next && t.places.n == s->places.n;
    for (size_t i = 0; is_same && i < t.places.n; i++)
        is_same = t.places.items[i].first == s->places.items[i].first &&
                  t.places.items[i].at == s->places.items[i].at;
    free(t.places.items);
    if (code != ERR_OK)
        return fault_set(s->f, code, "segment", "%s", s->made);
    return is_same ? ERR_OK : fault_set(s->f, ERR_FAILED, "segment", "%s: its table", s->made);
}

static enum err compare(struct sealing *s) {
    struct stream a, b;
    enum err code = stream_open(&a, s->path, s->number, s->f);
    if (code != ERR_OK)
        return code;
    code = stream_open(&b, s->made, s->number, s->f);
    if (code == ERR_OK) {
        if (!is_same_head(&a.walk.head, &b.walk.head))
            code = fault_set(s->f, ERR_FAILED, "segment", "%s: its head", s->made);
        if (code == ERR_OK)
            code = compare_all(s, &a, &b);
        if (code == ERR_OK)
            code = compare_table(s, &b);
        segment_walk_close(&b.walk);
    }
    segment_walk_close(&a.walk);
    return code;
}

/* ---- One segment ---- */

/* New places for old ones, where they are not more: else the old ones do as well, by the
 * table of the file. */
static void publish(struct sealing *s) {
    struct store_log *log = s->log;
    struct log_places *p = &log->places;
    mutex_lock(log->calm);
    mutex_lock(log->mutex);
    size_t from = 0, to;
    while (from < p->n && p->items[from].segment < s->number)
        from++;
    for (to = from; to < p->n && p->items[to].segment == s->number; to++)
        ;
    if (s->places.n <= to - from) {
        size_t end = from + s->places.n;
        if (s->places.n > 0)
            memcpy(p->items + from, s->places.items, s->places.n * sizeof *p->items);
        memmove(p->items + end, p->items + to, (p->n - to) * sizeof *p->items);
        p->n -= to - end;
    }
    log->bytes = log->bytes - s->old_size + s->at;
    mutex_unlock(log->mutex);
    mutex_unlock(log->calm);
}

static enum err replace(struct sealing *s) {
    int status = os_rename(s->made, s->path);
    if (status != 0)
        return file_fault(s->f, status, "rename", s->path);
    publish(s);
    return os_dir_sync(s->log->dir, s->f);
}

static enum err is_sealed(const char *path, uint32_t number, bool *sealed, struct fault *f) {
    struct segment_table t = {.is_sealed = false};
    struct file file;
    enum err code = file_open(&file, path, FILE_READ, f);
    if (code != ERR_OK)
        return code;
    code = segment_table_load(&file, number, &t);
    *sealed = t.is_sealed;
    free(t.places.items);
    file_close(&file);
    return code == ERR_OK ? code : fault_set(f, code, "segment", "%s", path);
}

static enum err seal_file(struct sealing *s) {
    struct fault ignored;
    s->deflater = zip_deflater_open(LOG_SEALED_LEVEL);
    enum err code =
        s->deflater != NULL ? write_file(s) : fault_set(s->f, ERR_MEMORY, "segment", "%s", s->path);
    if (code == ERR_OK)
        code = compare(s);
    if (code == ERR_OK)
        code = replace(s);
    if (code != ERR_OK) /* what cannot be removed goes at the next start */
        (void)!file_remove(s->made, &ignored);
    return code;
}

static char *made_path(struct arena *a, const char *dir, uint32_t number) {
    struct buf name;
    buf_init(&name, 24);
    buf_printf(&name, "%08u.new", (unsigned)number);
    char *path = path_join(a, dir, buf_cstr(&name));
    buf_clear(&name);
    return path;
}

/* `drops` NULL: the segment is sealed, where it is not yet. */
static enum err rewrite(struct sealing *s) {
    struct arena a;
    bool sealed = false;
    arena_init(&a, 1 << 16);
    buf_init(&s->raw, SEGMENT_BLOCK_MAX);
    buf_init(&s->out, SEGMENT_BLOCK_MAX + 2 * BLOCK_HEAD); /* a head more while it is made */
    buf_init(&s->rest, STORE_ENTRY_MAX);
    s->path = log_segment_path(&a, s->log->dir, s->number);
    s->made = made_path(&a, s->log->dir, s->number);
    enum err code = ERR_OK;
    if (s->path == NULL || s->made == NULL)
        code = fault_set(s->f, ERR_MEMORY, "segment", "%u", (unsigned)s->number);
    else if (s->drops == NULL)
        code = is_sealed(s->path, s->number, &sealed, s->f);
    if (code == ERR_OK && !sealed) {
        code = seal_file(s);
        if (code == ERR_OK)
            log_line(&s->log->env, LOG_INFO, "segment_sealed",
                     "file=%s bytes_before=%llu bytes=%llu dropped=%llu", path_base(s->path),
                     (unsigned long long)s->old_size, (unsigned long long)s->at,
                     (unsigned long long)s->dropped);
    }
    zip_deflater_close(s->deflater);
    buf_clear(&s->raw);
    buf_clear(&s->out);
    buf_clear(&s->rest);
    free(s->places.items);
    arena_clear(&a);
    return code;
}

static enum err seal(struct store_log *log, uint32_t number, struct fault *f) {
    struct sealing s = {.log = log, .number = number, .file = {.fd = -1}, .f = f};
    mutex_lock(log->sealing);
    enum err code = rewrite(&s);
    mutex_unlock(log->sealing);
    return code;
}

/* ---- Dropping ---- */

bool store_log_range(struct store_log *log, uint32_t segment, uint64_t *from, uint64_t *to) {
    const struct log_places *p = &log->places;
    size_t i = 0;
    mutex_lock(log->mutex);
    bool is_full = segment >= 1 && segment <= log->full;
    while (i < p->n && p->items[i].segment < segment)
        i++;
    *from = i < p->n ? p->items[i].first : log->tree.size;
    while (i < p->n && p->items[i].segment == segment)
        i++;
    *to = i < p->n ? p->items[i].first : log->tree.size;
    mutex_unlock(log->mutex);
    return is_full;
}

uint32_t store_log_full(struct store_log *log, uint64_t *entries) {
    uint64_t from;
    mutex_lock(log->mutex);
    uint32_t full = log->full;
    mutex_unlock(log->mutex);
    *entries = 0;
    if (full > 0)
        (void)store_log_range(log, full, &from, entries);
    return full;
}

enum err store_log_compact(struct store_log *log, uint32_t segment, store_drops *drops,
                           void *context, struct store_compacted *out, struct fault *f) {
    struct sealing s = {.log = log,
                        .number = segment,
                        .file = {.fd = -1},
                        .drops = drops,
                        .context = context,
                        .f = f};
    uint64_t from, to;
    *out = (struct store_compacted){0};
    if (!store_log_range(log, segment, &from, &to))
        return fault_set(f, ERR_USAGE, "segment", "%u is not full", (unsigned)segment);
    mutex_lock(log->sealing);
    enum err code = rewrite(&s);
    mutex_unlock(log->sealing);
    if (code == ERR_OK)
        *out = (struct store_compacted){s.dropped, s.old_size, s.at};
    return code;
}

/* ---- The thread ---- */

/* Until that segment is full; false: the log is closed. */
static bool wait_until_full(struct store_log *log, uint32_t number) {
    mutex_lock(log->mutex);
    while (log->full < number && !log->closing)
        cond_wait(log->full_wake, log->mutex);
    bool goes_on = !log->closing;
    mutex_unlock(log->mutex);
    return goes_on;
}

static void rest_a_while(struct store_log *log) {
    mutex_lock(log->mutex);
    if (!log->closing)
        (void)cond_wait_ms(log->full_wake, log->mutex, RETRY_MS);
    mutex_unlock(log->mutex);
}

void log_seal_all(void *argument) {
    struct store_log *log = argument;
    char text[FAULT_DETAIL_MAX + 200];
    os_thread_lower();
    for (uint32_t number = 1; wait_until_full(log, number);) {
        struct fault f = {.code = ERR_OK};
        enum err code = seal(log, number, &f);
        if (is_closing(log))
            return;
        if (code != ERR_OK)
            log_line(&log->env, LOG_WARN, "segment_not_sealed", "segment=%u why=\"%s\"",
                     (unsigned)number, fault_text(&f, text, sizeof text));
        if (code == ERR_FULL) {
            rest_a_while(log);
            continue;
        }
        mutex_lock(log->mutex);
        log->sealed = number++;
        mutex_unlock(log->mutex);
    }
}

/* ---- What a crash left ---- */

static bool clean_one(void *context, const char *name, bool is_dir) {
    struct store_log *log = context;
    struct arena a;
    struct fault ignored;
    struct bytes text = bytes_text(name);
    if (is_dir || text.n < 5 || !bytes_is(bytes_part(text, text.n - 4, 4), ".new"))
        return true;
    arena_init(&a, 1 << 16);
    const char *path = path_join(&a, log->dir, name);
    if (path != NULL)
        (void)!file_remove(path, &ignored); /* it is no segment: it does no harm but for room */
    arena_clear(&a);
    return true;
}

void log_seal_clean(struct store_log *log) {
    struct fault ignored;
    (void)!dir_list(log->dir, clean_one, log, &ignored);
}
