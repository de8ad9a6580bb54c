/* The log: entries appended, never changed, durable before they are
 * acknowledged. It knows bytes, not meaning (that is store/inventory).
 *
 * A data folder holds `log/00000001.seg`, `log/00000002.seg`, ... and
 * `log/lock`. The bytes of a segment are described in segment.h, those of an
 * entry in entry.h. Entries are numbered from 0 without gaps, across segments.
 *
 * Writing. One commits at a time, a thread of the log's own or one that waits for its own
 * entries: everything that waits is packed into blocks, written by one write and made durable by
 * one sync, so that many callers share the price of one. A batch is all there or not at all, after
 * a crash too. Nothing is acknowledged before the sync has returned.
 *
 * Opening for writing reads the whole log once, or, with a mark of an earlier time,
 * what came after it; what lies before is then looked at when it is asked for. What a crash left
 * unfinished at the end of the last segment (a torn tail, never acknowledged) is cut off and told;
 * damage anywhere else is ERR_DAMAGED with file and offset, and nothing is changed. A reader can
 * still go on with the sound rest.
 *
 * Sealing. A segment that is followed by another never changes, but that a thread in the
 * background (`seals`) writes it anew once, smaller, and puts that in its place. Entries, their
 * numbers and the tree stay; who reads meanwhile finds the one or the other. See seal.c.
 *
 * Dropping. What inventory no longer wants goes out of full segments by the same way: in place of
 * an entry's payload its leaf hash stays (entry.h), so that numbers, the tree, checkpoints and
 * proofs remain. Who reads is told of such an entry by `is_dropped`.
 *
 * Failing. No space (ERR_FULL): the file is cut back to its last good size, the
 * batches that waited get ERR_FULL, later ones are tried again. Any other failed
 * write, and any failed sync, ends the handle: what waits and what comes later
 * gets ERR_IO, since after a failed sync nobody knows what is on the disk.
 *
 * Threads: store_log_submit, _submit_here, _append, _get and _head from any thread.
 */
#ifndef STORE_LOG_H
#define STORE_LOG_H

#include "base/buf.h"
#include "base/env.h"
#include "base/file.h"
#include "store/log/entry.h"
#include "store/log/tree.h"

enum {
    STORE_BATCH_ENTRIES_MAX = 1 << 20,
    STORE_BATCH_BYTES_MAX = 64 << 20,   /* of canonical bytes */
    STORE_WAITING_BYTES_MAX = 128 << 20 /* of all batches that wait; beyond: ERR_BUSY */
};

/* What was dropped or is damaged, and where. */
enum store_harm_kind {
    STORE_TORN,       /* an unfinished end, never acknowledged */
    STORE_DAMAGED,    /* bytes that no longer hold what was written */
    STORE_MISSING,    /* a segment that should be there is not */
    STORE_UNSUPPORTED /* sound, but of a later version than this program reads */
};

struct store_harm {
    enum store_harm_kind kind;
    char file[24];       /* "00000001.seg" */
    uint64_t at, size;   /* offset in the file, bytes concerned */
    uint64_t next_entry; /* the number that should have followed there */
};

/* The calls that change files. Tests replace them to make them fail. */
struct store_io {
    enum err (*write_at)(void *context, const struct file *file, uint64_t at, struct bytes b,
                         struct fault *f);
    enum err (*sync)(void *context, const struct file *file, struct fault *f);
    enum err (*truncate)(void *context, const struct file *file, uint64_t size, struct fault *f);
    void *context;
};

/* An entry of the log, in order, while it is opened. Borrowed for the call.
 * Any code but ERR_OK ends the opening with it. */
typedef enum err store_replay(void *context, const struct store_entry *entry);
typedef enum err store_replayed(void *context);

/* Where a block is, to find entries by number. */
struct store_place {
    uint64_t first, at; /* number of its first entry; byte in the segment */
    uint32_t segment, spare;
};

/* Where a log stood when all that it had was durable. It holds for the log that it was
 * taken of, which only grows: with it that can be opened without reading it all. */
struct store_mark {
    struct store_tree tree; /* over the entries before it */
    uint32_t segment;       /* the next block is of this segment, */
    uint64_t at;            /* from this byte on, */
    uint8_t salt[8];        /* of the segment */
    uint32_t check;         /* of the last block's payload; 0 where the segment has none */
    const struct store_place *places; /* of all blocks before it; borrowed */
    size_t places_n;
};

struct store_log;

/* Called when nothing is being written. STORE_REST_LOOK: after each commit once its callers have
 * their answer, on the thread that committed: whether there is work; short. STORE_REST_WORK: on the
 * log's thread, at its begin and where there is work. STORE_REST_END: on that thread, at the end.
 * All that is in the log has been replayed. The next commit waits. */
enum store_rest_step { STORE_REST_LOOK, STORE_REST_WORK, STORE_REST_END };
typedef bool store_rest(void *context, struct store_log *log, enum store_rest_step step);

struct store_log_options {
    store_replay *replay; /* NULL: none */
    /* Behind the last entry that was there at the opening; NULL: none. An error ends the opening.
     */
    store_replayed *replayed;
    void *replay_context;
    const struct store_mark *mark; /* NULL: none; else only what follows it is replayed */
    store_rest *rest;              /* NULL: none; with replay_context */
    uint64_t segment_bytes; /* a segment that has reached it is followed by a new one; 0: 64 MiB */
    size_t block_bytes;     /* unpacked, as far as entries allow; 0: 32 KiB */
    bool seals;             /* full segments are sealed, in the background */
    size_t sealed_bytes;    /* unpacked, of a block there; 0: 160 KiB */
    const struct store_io *io; /* NULL: files */
};

/* Opens `dir`/log for writing, made if absent. ERR_LOCKED where another process
 * has it open; ERR_CONFLICT where the mark is not one of this log, before anything is
 * replayed. Copies env and options; the mark is borrowed until it returns. *torn (may be NULL)
 * tells what was cut off; its size is 0 where nothing was. */
enum err store_log_open(const char *dir, const struct env *env,
                        const struct store_log_options *options, struct store_log **out,
                        struct store_harm *torn, struct fault *f) MUST_CHECK;
/* Commits what waits, then frees. NULL is allowed. */
void store_log_close(struct store_log *log);

/* Called once a batch, on the thread that commits, in the order of entry numbers:
 * ERR_OK with the number of the first entry once all are durable; else the
 * reason, and none of them is in the log. Short work only: the next commit waits. */
typedef void store_log_done(void *context, const struct fault *f, uint64_t first);

/* Copies the entries (their `number` is ignored) and returns; `done` is called
 * later. Where it returns an error, `done` is never called: ERR_LIMIT for an
 * entry or batch that is too large, ERR_BUSY when too much waits, ERR_IO when the
 * handle has ended. */
enum err store_log_submit(struct store_log *log, const struct store_entry *entries, size_t n,
                          store_log_done *done, void *context, struct fault *f) MUST_CHECK;
/* The same for who is going to wait for it: where nobody commits, this thread does, with what
 * else waits, and `done` has been called on return. That saves waking the log's thread
 * and being woken by it. Not from within a `done`. */
enum err store_log_submit_here(struct store_log *log, const struct store_entry *entries, size_t n,
                               store_log_done *done, void *context, struct fault *f) MUST_CHECK;
/* The same, waiting. */
enum err store_log_append(struct store_log *log, const struct store_entry *entries, size_t n,
                          uint64_t *first, struct fault *f) MUST_CHECK;

/* One durable entry by its number: reads its block, or of a sealed one the parts that it needs, and
 * unpacks it (0.1 ms, 0.05 ms). The entry's payload points into `room`, which is reset first. */
enum err store_log_get(struct store_log *log, uint64_t number, struct buf *room,
                       struct store_entry *out, struct fault *f) MUST_CHECK;

/* Where the log stands; only from within a store_rest. ERR_IO, ERR_DAMAGED. */
enum err store_log_mark(struct store_log *log, struct store_mark *out, struct fault *f) MUST_CHECK;

/* The Merkle tree over all durable entries. */
struct store_tree store_log_tree(struct store_log *log);

/* How far the log is durable: all of the segments before `segment`, and of that the bytes
 * before `at`, where a commit ends. Any thread, any time. */
struct store_point {
    struct store_tree tree;
    uint32_t segment;
    uint64_t at;
};
struct store_point store_log_point(struct store_log *log);

/* Bytes of all segments and their number. */
void store_log_size(struct store_log *log, uint64_t *bytes, uint64_t *segments);
/* How many of the segments the sealer is through with. */
uint32_t store_log_sealed(struct store_log *log);

/* How many segments are full, and the number behind their last entry: what may be dropped is below
 * it. */
uint32_t store_log_full(struct store_log *log, uint64_t *entries);
/* The next commit begins a new segment, unless the last one has no entry: so that all before it
 * may be dropped. */
void store_log_turn(struct store_log *log);
/* The number of the first entry of a segment that is full, and that behind its last. */
bool store_log_range(struct store_log *log, uint32_t segment, uint64_t *from, uint64_t *to);

/* Whether the payload of an entry goes, and if so what of it stays, no more than it is
 * long: put into `rest`, which is empty. Asked more than once for each entry that is not yet
 * dropped, and answers the same. */
typedef bool store_drops(void *context, const struct store_entry *e, struct buf *rest);
/* Writes a full segment anew, without the payloads that go. Until it returns ERR_OK the old file
 * or the new one is there, whole; from then on the new one is durable. Any thread but the log's;
 * the log must not be closed meanwhile. ERR_USAGE: the segment is not full; ERR_DAMAGED: it is left
 * as it is; ERR_INTERRUPTED: the log ends; ERR_FULL, ERR_IO. */
struct store_compacted {
    uint64_t dropped, bytes_before, bytes;
};
enum err store_log_compact(struct store_log *log, uint32_t segment, store_drops *drops,
                           void *context, struct store_compacted *out, struct fault *f) MUST_CHECK;

/* Reading without a lock: beside a running server, in a copied folder (the data
 * folder or its `log`), or one segment file. Sees what was written when it was
 * opened, perhaps a moment before it was durable. Damage does not stop it: it goes on with the next
 * sound block. One thread at a time. */
struct store_reader;

enum err store_reader_open(const char *path, struct store_reader **out, struct fault *f) MUST_CHECK;
/* The same, beginning behind a mark of this log, so that its entries before that count as read.
 * They are looked at as they are stored: ERR_DAMAGED where their checksums do not hold or some
 * are missing. ERR_CONFLICT: the mark is none of this log, or `path` is one segment. */
enum err store_reader_open_at(const char *path, const struct store_mark *mark,
                              struct store_reader **out, struct fault *f) MUST_CHECK;
void store_reader_close(struct store_reader *r);

/* The next entry, borrowed until the next call. ERR_NOT_FOUND at the end;
 * ERR_MEMORY and ERR_IO end the reading. */
enum err store_reader_next(struct store_reader *r, struct store_entry *out,
                           struct fault *f) MUST_CHECK;
/* One entry that was read before, by its number; as store_log_get. */
enum err store_reader_get(struct store_reader *r, uint64_t number, struct buf *room,
                          struct store_entry *out, struct fault *f) MUST_CHECK;
/* Reads everything from the first entry on to the last that is not later than until_ms
 * (INT64_MAX: all), and computes the tree. Wrong heads are those of
 * segments that name another tree than that of the entries before them: then something was
 * put into the place of something else, with sound checksums. `visit` may be NULL. */
struct store_account {
    struct store_tree tree;
    bool is_whole;        /* no entry is missing: the tree is the log's */
    uint64_t dropped;     /* so many of the entries are place keepers */
    uint32_t wrong_heads; /* and the number of the first one: */
    char wrong_head[24];
};
typedef enum err store_visit(void *context, const struct store_entry *e,
                             const uint8_t leaf[STORE_HASH_SIZE]);
enum err store_reader_account(struct store_reader *r, int64_t until_ms, store_visit *visit,
                              void *context, struct store_account *out, struct fault *f) MUST_CHECK;

/* One segment's file by itself, whatever its name, read through: the trees of the entries before
 * and behind it. Two segments follow each other where the tree behind the one is that before the
 * other. Any harm, a torn end too, is ERR_DAMAGED or ERR_UNSUPPORTED and told with its place. */
struct store_segment {
    struct store_tree before, after;
};
enum err store_segment_check(const char *path, uint32_t number, struct store_segment *out,
                             struct fault *f) MUST_CHECK;

/* Back to the first entry; what was found wrong is forgotten. */
void store_reader_rewind(struct store_reader *r);

/* What has been found wrong so far, in order; at most STORE_HARM_MAX are kept,
 * store_reader_harms counts all. NULL past the end. */
enum { STORE_HARM_MAX = 64 };
size_t store_reader_harms(const struct store_reader *r);
const struct store_harm *store_reader_harm(const struct store_reader *r, size_t i);
/* "log/00000001.seg: damaged at byte 1234 (567 bytes), ..." */
void store_harm_text(const struct store_harm *harm, struct buf *out);
/* ERR_OK for a torn tail, ERR_DAMAGED, ERR_UNSUPPORTED. */
enum err store_harm_code(const struct store_harm *harm);

#endif
