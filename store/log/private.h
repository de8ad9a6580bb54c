/* The log's inside, shared by log.c (threads and queue), commit.c (writing) and
 * recover.c (opening). Private to store/log. */
#ifndef STORE_LOG_PRIVATE_H
#define STORE_LOG_PRIVATE_H

#include "base/os.h"
#include "base/thread.h"
#include "base/zip.h"
#include "store/log/segment.h"

enum {
    LOG_SEGMENT_BYTES = 64 << 20,
    LOG_BLOCK_BYTES = 32 << 10,
    LOG_BLOCK_BYTES_MAX = 2 << 20, /* with one entry of the largest size below SEGMENT_BLOCK_MAX */
    LOG_COMMIT_BYTES = 32 << 20,   /* of one commit, where single batches allow */
    LOG_LEVEL = 6,
    LOG_SEALED_BYTES = 160 << 10, /* unpacked, of a block in a sealed segment: see seal.c */
    LOG_SEALED_LEVEL = 9,
};

/* What one caller handed in: there as a whole or not at all. */
struct log_batch {
    struct log_batch *next;
    struct buf bytes;      /* canonical bytes of its entries */
    uint8_t (*leaves)[32]; /* their leaf hashes */
    size_t n;
    uint64_t first; /* set by the commit */
    store_log_done *done;
    void *context;
};

struct log_places {
    struct store_place *items;
    size_t n, room;
};
/* Adding so many more cannot fail. */
enum err log_places_reserve(struct log_places *p, size_t more) MUST_CHECK;
enum err log_places_add(struct log_places *p, struct store_place place) MUST_CHECK;

/* The block that holds the entry, or would; false where there is none before it. */
bool log_places_find(const struct log_places *p, uint64_t number, struct store_place *out);
/* Reads one entry of that block. `room` holds the payload. */
enum err log_fetch(const char *path, const struct store_place *place, uint64_t number,
                   struct buf *room, struct store_entry *out, struct fault *f) MUST_CHECK;

/* What the end of a sealed segment says. */
struct segment_table {
    bool is_sealed; /* else nothing follows */
    uint8_t salt[SEGMENT_SALT];
    struct log_places places;
    uint64_t at, size,
        end; /* of the table's block; of the file; the number behind its last entry */
};
/* `out->places` is used again. ERR_MEMORY. */
enum err segment_table_load(const struct file *file, uint32_t segment,
                            struct segment_table *out) MUST_CHECK;
enum err segment_is_sealed(const struct file *file, uint32_t segment, bool *out,
                           struct fault *f) MUST_CHECK;
void segment_table_write(const struct log_places *places, struct buf *out);
/* Of a payload whose block begins at `at`. ERR_FORMAT: it is none; ERR_MEMORY. */
enum err segment_table_read(struct bytes payload, uint64_t end, uint64_t at, uint32_t segment,
                            struct log_places *out) MUST_CHECK;

struct store_log {
    struct env env;
    struct store_log_options options;
    struct arena arena; /* the folder's path */
    const char *dir;    /* with the segments */
    struct os_lock lock;
    struct thread *writer;

    /* Used by who commits alone. */
    struct file file; /* the last segment */
    uint32_t segment;
    uint8_t salt[SEGMENT_SALT];
    uint64_t size; /* of the last segment, durable */
    struct zip_deflater *deflater;
    struct buf raw, out;    /* the block, and the commit, being made */
    struct log_places made; /* blocks of the commit being made */

    struct thread *sealer; /* seal.c; NULL: none */
    struct mutex *calm; /* held while `rest` runs: who rests borrows the places. Before `mutex` */
    struct mutex *sealing;  /* held while a segment is written anew. Before `calm` */
    struct cond *full_wake; /* the sealer: a segment is full, or the end */

    struct mutex *mutex; /* guards what follows */
    struct cond *wake;   /* the writer: something waits, or the end */
    struct log_batch *head, **tail;
    size_t waiting_bytes;
    bool is_busy;  /* somebody commits, or works at rest */
    bool has_work; /* for the writer, at rest */
    bool closing;
    struct fault ended; /* code ERR_OK: alive */
    struct store_tree tree;
    struct log_places places;
    uint64_t bytes;           /* of all segments */
    struct store_point point; /* but for its tree, which is `tree` */
    bool turns;               /* the next commit begins a new segment */
    uint32_t full;            /* so many segments have been followed by another */
    uint32_t sealed;          /* so many of them are sealed, or cannot be */
};

/* Commits the batches of the list: all are durable (ERR_OK), or none and the fault
 * says why. A fault that ends the handle is put into log->ended. Called without the
 * mutex, by one at a time. */
enum err log_commit(struct store_log *log, struct log_batch *list, struct fault *f) MUST_CHECK;

/* Of the last segment, through options.io. */
enum err log_put(struct store_log *log, uint64_t at, struct bytes b, struct fault *f) MUST_CHECK;
enum err log_sync(struct store_log *log, struct fault *f) MUST_CHECK;
enum err log_cut(struct store_log *log, uint64_t size, struct fault *f) MUST_CHECK;

/* Makes and opens the segment that follows on log->tree. */
enum err log_segment_make(struct store_log *log, uint32_t number, struct fault *f) MUST_CHECK;

/* Where a mark stands in the files, and where reading goes on behind it. */
struct log_marked {
    uint64_t at, next; /* the byte of the next block in the mark's segment, and its first entry:
                          the mark's next, or one before it, where the segment has been sealed */
    uint64_t before;   /* bytes of the segments before */
    bool is_sealed;    /* the mark's segment */
};
/* Adds the blocks before it to `places`. ERR_CONFLICT: the mark is none of this log, as far as
 * its ends tell; what is between is not read. */
enum err log_mark_find(const char *dir, const struct segment_list *list, const struct store_mark *m,
                       struct log_places *places, struct log_marked *out,
                       struct fault *f) MUST_CHECK;
/* Reads all before it as it is stored, without unpacking it. ERR_DAMAGED: checksums that do
 * not hold, gaps. */
enum err log_mark_sound(const char *dir, const struct store_mark *m,
                        const struct log_marked *marked, struct fault *f) MUST_CHECK;

/* The sealer's thread; the argument is the log. */
void log_seal_all(void *argument);
/* Removes what a crash left of a sealing. */
void log_seal_clean(struct store_log *log);

/* Reads what is there, cuts a torn end off, opens the last segment. */
enum err log_recover(struct store_log *log, struct store_harm *torn, struct fault *f) MUST_CHECK;

/* Of the segment that is read; NULL: it has none that is sound. */
const struct segment_head *log_reader_head(const struct store_reader *r);

char *log_segment_path(struct arena *a, const char *dir, uint32_t number);

#endif
