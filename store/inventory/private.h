/* The inventory's inside. Private to store/inventory. */
#ifndef STORE_INVENTORY_PRIVATE_H
#define STORE_INVENTORY_PRIVATE_H

#include "base/thread.h"
#include "store/inventory/index.h"
#include "store/log/proofs.h"

/* A key that is taken by a change on its way to the disk: a batch, a name. */
struct pending {
    struct pending *next;
    uint8_t key[INVENTORY_ID_SIZE];
};

/* The index file of this inventory: see care.c. */
struct care {
    struct arena arena;
    const char *data, *dir; /* of the store, of the index files; NULL: there is no index here */
    struct os_map map;      /* what the state begins with */
    bool is_reader;         /* nothing is changed here, and nobody told why an index is not used */

    /* Of whoever opens, then of who commits; while `thread` is at work, of that. */
    uint32_t number;    /* of the newest file; 0: none */
    uint32_t finishing; /* of the file that the thread makes durable */
    bool is_replaying;  /* the log is being opened: progress is told */
    uint64_t told_ms;   /* when it was told last */
    uint64_t written;   /* state.work when the index was written last */
    bool is_used;       /* an index was written or loaded */
    bool is_ending;     /* nobody asks any more */
    struct thread *thread;

    bool is_done; /* of the thread; under inventory.waiting */
};

/* compact.c */
struct compacting {
    struct thread *thread;
    struct arena arena; /* the actor */
    struct bytes actor;
    struct inventory_compaction now; /* under inventory.waiting, with what follows */
    bool is_closing, is_busy;
};

struct inventory {
    struct env env;
    struct store_log *log;       /* NULL: for reading only */
    struct store_proofs *proofs; /* over it */
    struct store_reader *reader; /* then this; under reading */
    struct mutex *reading;
    int64_t until_ms, last_ms; /* reading: entries up to until_ms; the last one of them */
    struct store_tree tree;    /* of them, as long as none is missing */
    bool has_gap;              /* one is */
    struct rwlock *lock;       /* guards state, map and broken */
    uint32_t breath;           /* rows looked at before others are let in */
    struct state state;
    struct replay *replay; /* while the log is opened; NULL: each entry by itself */
    struct care care;
    bool broken;           /* no memory while applying: the state is no longer the log's */
    struct mutex *waiting; /* guards pending; with `moved` for those who wait for faces */
    struct cond *moved;
    struct pending *pending;
    struct compacting compacting;
    struct inventory_past past; /* reading */
    uint64_t dropped_until;     /* reading: what the newest compaction says */
    uint64_t next;              /* reading: number behind the last entry */
    struct change *with_faces;  /* changes that hold faces; under waiting */
};

struct inventory *inventory_new(const struct env *env, struct fault *f); /* NULL: no memory */

/* care.c. care_open looks for an index and loads it: true, with its mark. */
bool care_open(struct inventory *inv, const char *dir, struct store_mark *mark);
/* The same for reading only, without a word and without changing anything there: what of the state
 * the log does not say is forgotten. */
bool care_read(struct inventory *inv, const char *path, struct store_mark *mark);
/* The log does not go with the index: all begins anew. */
void care_refuse(struct inventory *inv, const struct fault *why);
void care_tell(struct inventory *inv); /* at each entry while the log is opened */
store_rest care_rest;

/* read.c: an entry that is read, of what is gone. */
void inventory_note_past(struct inventory *inv, const struct store_entry *e);
void compact_close(struct inventory *inv); /* it ends soon, and is waited for */

/* replay.c: many entries, by a second thread too. The state is not to be touched between begin
 * (NULL: no memory) and end, which frees. Entries are copied; an error of one may be told later. */
struct replay *replay_begin(struct inventory *inv);
enum err replay_entry(struct replay *r, const struct store_entry *e) MUST_CHECK;
enum err replay_end(struct replay *r) MUST_CHECK;

/* A change on its way: entries are handed to the log, `done` is called, pending
 * keys are freed. */
struct change {
    struct inventory *inv;
    inventory_done *done; /* NULL: somebody waits */
    void *context;
    struct cond *moved; /* for the one who waits: its own, since of many each waits for another */
    bool ready, is_waited;
    struct fault fault;
    struct pending keys[3]; /* in inv->pending while it lasts */
    size_t keys_n;
    uint8_t (*faces)[INVENTORY_ID_SIZE]; /* that it tells of, sorted; NULL: none */
    size_t faces_n;
    struct change *next_with_faces; /* in inv->with_faces while it lasts */
};

/* Begins a change; change_key takes a key, false where another has it;
 * change_submit hands the entries over and, where `done` is NULL, waits; the
 * change is freed by it in any case, as by change_drop. */
struct change *change_begin(struct inventory *inv, inventory_done *done, void *context,
                            struct fault *f);
bool change_key(struct change *c, const uint8_t key[INVENTORY_ID_SIZE]);
/* Holds these faces (sorted, made by malloc, the change's from now on) until it is done; waits
 * while another change holds one of them. Once a change. */
void change_faces(struct change *c, uint8_t (*faces)[INVENTORY_ID_SIZE], size_t n);
enum err change_submit(struct change *c, const struct store_entry *entries, size_t n,
                       struct fault *f) MUST_CHECK;
void change_drop(struct change *c);

/* Entries of one change, all in one commit: a payload is written to `bytes`, then
 * entries_end closes it. entries_submit takes the change and clears in any case. */
enum { ENTRIES_MAX = 16 };
struct entries {
    struct buf bytes;
    uint16_t types[ENTRIES_MAX];
    size_t ends[ENTRIES_MAX];
    size_t n;
};
void entries_init(struct entries *e);
void entries_end(struct entries *e, enum record_type type);
void entries_audit(struct entries *e, const struct inventory_audit *act); /* NULL: none */
enum err entries_submit(struct entries *e, struct change *c, struct fault *f) MUST_CHECK;
/* change_begin with a key made of kind and id; ERR_BUSY where another change has it. */
enum err change_begin_of(struct inventory *inv, const char *kind, struct bytes id,
                         struct change **out, struct fault *f) MUST_CHECK;

/* confirm.c: by which identities the places of the observations are found; in the arena, NULL:
 * no memory, no such agent. */
struct model_ids *inventory_push_ids(struct inventory *inv, const struct inventory_push *push,
                                     struct arena *a);
/* confirm.c: which of the good observations are confirmed; their record goes to `out`, *n: how
 * many they are. The change holds the faces of all. */
enum err inventory_confirm(struct inventory *inv, struct change *c,
                           const struct inventory_push *push, const struct model_ids *ids,
                           const bool *is_good, bool *is_confirmed, struct arena *a,
                           struct buf *out, size_t *n) MUST_CHECK;

/* Locks for reading; false (and not locked) where the state is broken. */
bool inventory_lock(struct inventory *inv, struct fault *f);
void inventory_unlock(struct inventory *inv);
/* To be called at each row of a long look: every `breath` rows it lets go of the lock for a moment,
 * so that a commit waits for a part of a millisecond and not for the whole look. True where it
 * did: rows and the texts of rows may have moved, orders have more; what is at an index is not
 * another. *rows is the caller's count, 0 at first. */
bool inventory_breathe(struct inventory *inv, uint32_t *rows);
/* The same with the orders brought up to date (certificates' or endpoints'). */
bool inventory_lock_order(struct inventory *inv, struct order *o, struct fault *f);

/* An entry by number, from the log or the reader. */
enum err inventory_entry(struct inventory *inv, uint64_t number, struct buf *room,
                         struct store_entry *out, struct fault *f) MUST_CHECK;

int64_t inventory_now_ms(const struct inventory *inv);

/* The row as the state has it: texts are borrowed. */
void inventory_view_cert(const struct state *s, uint32_t i, struct inventory_cert *out);
/* Copies of rows in the arena; a->err tells where it was too small. */
void inventory_copy_cert(const struct state *s, uint32_t i, struct arena *a,
                         struct inventory_cert *out);
void inventory_copy_endpoint(const struct state *s, uint32_t i, struct arena *a,
                             struct inventory_endpoint *out);
void inventory_copy_agent(const struct state *s, uint32_t i, struct arena *a,
                          struct inventory_agent *out);
void inventory_copy_request(const struct state *s, uint32_t i, struct arena *a,
                            struct inventory_request *out);
/* Id and name of an agent; zeros and "" for ROWS_NONE. */
void inventory_copy_agent_name(const struct state *s, uint32_t i, struct arena *a,
                               uint8_t id[INVENTORY_ID_SIZE], struct bytes *name);

/* The INVENTORY_SIGHTINGS_MAX best of any number: served ones first, then newest
 * first. Zeroed, then best_add; best_copy empties it into the arena, in order. */
struct best {
    uint32_t heap[INVENTORY_SIGHTINGS_MAX];
    size_t n;
};
void best_add(const struct state *s, struct best *b, uint32_t sighting);
struct inventory_sighting *best_copy(const struct state *s, struct best *b, struct arena *a,
                                     size_t *n);

/* where.c: a query asked of the state's rows. `q` NULL: everything holds. */
struct where {
    const struct state *s;
    const struct query *q;
    struct arena scratch; /* for one observation */
};
void where_open(struct where *w, const struct state *s, const struct query *q);
void where_close(struct where *w);
bool where_cert(struct where *w, uint32_t row); /* the plain scan, whatever plan.c finds */
bool where_endpoint(struct where *w, uint32_t row);
bool where_agent(struct where *w, uint32_t row);
bool where_request(struct where *w, uint32_t row);
bool where_service(struct where *w, const uint8_t id[INVENTORY_ID_SIZE]);

/* plan.c: rows of certificates that a query can hold for, as a set; with the lock held. */
struct plan {
    const struct state *s;
    uint64_t *bits;
    uint32_t rows;       /* it was made of: later ones are not in it */
    uint32_t begin, end; /* none lie before or from there on */
    size_t n;
    bool is_exact; /* the query holds for each: nobody needs to look */
};
/* False: any row may match, or more than `most`; there is no set then. `q` may be NULL;
 * `agent` (ROWS_NONE: any): only what that one saw last. */
bool plan_open(struct plan *p, const struct state *s, const struct query *q, uint32_t agent,
               size_t most);
void plan_close(struct plan *p);
uint32_t plan_next(const struct plan *p, uint32_t from); /* the first row from there on */
bool plan_has(const struct plan *p, uint32_t row);
void plan_remove(struct plan *p, uint32_t row); /* of one that it has */
/* The query says nothing but when certificates end. */
bool plan_is_of_dates(const struct query *q);
/* The part of certs_by_end, which must be new, with from <= not_after < to (INT64_MAX: no
 * limit); those without an end are in none. */
void plan_dates(const struct state *s, int64_t from_s, int64_t to_s, size_t *from, size_t *to);
/* Locks for reading with all orders that plans use nearly up to date, and `o` (which may be
 * NULL) quite. */
bool inventory_lock_plan(struct inventory *inv, struct order *o, struct fault *f);

#endif
