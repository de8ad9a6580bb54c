/* What the server has of this agent's faces: STATE/pushed, by which observations that say
 * nothing new are sent as a confirmation (model/confirmation.h). Losing it makes the next push
 * whole, nothing else.
 *
 *   clm pushed 1
 *   SAID FACE      one line a face, in order of SAID: what its last observation said
 *                  (model_observation_said, 32 hex digits), and its number at the server
 *
 * One thread; one process at a time: the scan's lock is held.
 */
#ifndef APPLETS_ERS_PUSHED_H
#define APPLETS_ERS_PUSHED_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/confirmation.h"

struct pushed_row {
    uint8_t said[MODEL_SAID_SIZE];
    uint32_t face;
    bool is_seen; /* in this run */
    bool is_gone; /* the server has it no longer */
};

struct pushed {
    struct pushed_row *rows; /* as read, in order; in the arena */
    size_t n;
    struct pushed_row *more; /* learnt in this run, not found by pushed_find; malloc'ed */
    size_t more_n, more_cap;
    bool is_changed;
};

/* ERR_DAMAGED names the line. */
enum err pushed_parse(struct arena *a, struct bytes text, struct pushed *out,
                      struct fault *f) MUST_CHECK;
/* What cannot be read is none. */
void pushed_open(struct arena *a, const char *path, struct pushed *out);
void pushed_clear(struct pushed *p);

/* NULL: the server has no face that said this last. Borrowed. */
struct pushed_row *pushed_find(const struct pushed *p, const uint8_t said[MODEL_SAID_SIZE]);
/* The server has it now; it is forgotten where there is no memory. */
void pushed_learn(struct pushed *p, uint32_t face, const uint8_t said[MODEL_SAID_SIZE]);
void pushed_forget(struct pushed *p, struct pushed_row *row);

/* Replaces the file, where something has changed; of each face what was learnt last. After
 * a complete scan what was not seen is left out. */
enum err pushed_write(struct pushed *p, const char *path, bool is_complete,
                      struct fault *f) MUST_CHECK;

#endif
