/* Which observations the state hangs on, so that the others may be dropped. Private to
 * store/inventory.
 *
 * While a state with carriers is applied, units are counted: each entry is one, and so is each
 * observation in it (of a confirmation in the order in which they are applied). Each thing that an
 * observation sets notes the unit that set it last; what is overwritten later leaves nothing. An
 * observation that carries nothing at the end can be dropped: the state is rebuilt without it.
 * Beside them stay:
 *
 *   observations that made a row (endpoint, face, sighting): they are numbered in the order of the
 *     log
 *   those that a confirmation which stays repeats: it says only that nothing changed. Which ones
 *     stay is known at the end: the log is applied a second time to find them
 *   what decided in the past and shows later: the leaf before a certificate joined its line, looks
 *     before a place could not be looked at, what was newer than what came late
 *   entries of which a part is not understood
 *
 * That a batch came and a pass ended stays with each entry (record.h). How often a face was looked
 * at is not kept exactly, only as far as being served depends on it: the last LOOKS_KEPT looks
 * stay.
 *
 * What goes has to go from the end on: a confirmation without what it repeats would tell something
 * else. So some segments rewritten and others not yet, or a state from an index and the rest
 * replayed, are right too. compact.c replays the log without what goes, and compares, before
 * anything goes. */
#ifndef STORE_INVENTORY_CARRIERS_H
#define STORE_INVENTORY_CARRIERS_H

#include "crypto/crypto.h"
#include "store/log/log.h"

struct state;

enum carried {
    /* by row of: */
    FACE_FIRST,
    FACE_LAST,
    FACE_BASE, /* its last observation that was no confirmation */
    FACE_LEAF,
    ENDPOINT_FIRST,
    ENDPOINT_LAST,
    ENDPOINT_JUDGED,
    SIGHTING_FIRST,
    SIGHTING_LAST,
    SIGHTING_NEWEST,
    CERT_LAST,
    CARRIED
};

enum { LOOKS_KEPT = 4 /* one more than INVENTORY_PASSES_SERVED */ };

struct carriers;

struct carriers *carriers_open(void);    /* NULL: no memory */
void carriers_close(struct carriers *c); /* NULL is allowed */

/* All of these do nothing where c is NULL; no memory shows at the end. */
void carriers_begin(struct carriers *c);      /* an entry is applied now */
void carriers_next(struct carriers *c);       /* an observation of it */
void carriers_keep(struct carriers *c);       /* this observation */
void carriers_keep_entry(struct carriers *c); /* its entry, whole */
void carriers_set(struct carriers *c, enum carried what, uint32_t row);
/* What carries it now stays, whatever comes. */
void carriers_pin(struct carriers *c, enum carried what, uint32_t row);
/* This observation confirms what the face showed. */
void carriers_confirm(struct carriers *c, uint32_t face);
void carriers_look(struct carriers *c, uint32_t face);
void carriers_pin_looks(struct carriers *c, uint32_t face);

/* Behind the last entry; then all of it is applied again, to another state, and this is called
 * again. ERR_MEMORY: nothing is known. */
enum err carriers_end(struct carriers *c) MUST_CHECK;
bool carriers_stays(const struct carriers *c, uint64_t unit);
uint64_t carriers_unit(const struct carriers *c); /* the one that comes next */
void carriers_stay(struct carriers *c, uint64_t unit);

/* SHA-256 of all that the state answers, and of all on which it depends what later entries do. */
void carriers_digest(const struct state *s, uint8_t out[SHA256_SIZE]);

#endif
