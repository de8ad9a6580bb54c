/* What a scan saw again: observations of which the server has all but the time, in a few bytes
 * each. One line of a push stands for many:
 *
 *   {"type":"confirmation","scan":"id","time":"...Z","count":2,"faces":"BASE64","said":"hex"}
 *
 * time: the earliest of them. faces: model_confirmed_write. Faces have the numbers that the
 * server gave them when it took the observations (`faces` in its answer). said: SHA-256 over what
 * each of them says, model_observation_said, 16 bytes each: so none is taken for another, and
 * a server that has lost or since learnt something refuses the line. */
#ifndef MODEL_CONFIRMATION_H
#define MODEL_CONFIRMATION_H

#include "model/observation.h"

enum {
    MODEL_CONFIRMED_MAX = 1 << 16, /* in one line */
    MODEL_SAID_SIZE = 16,
    MODEL_CONFIRMED_BYTES = 10, /* at most, of one */
};

struct model_confirmed {
    uint32_t face;
    uint32_t after_s; /* seconds after the confirmation's time */
};

/* Ascending faces, each once: a varint (base/buf.h) the first face, then the distances less one
 * to the next; then as many varints after_s. Reading: what is malformed makes the cursor bad;
 * `out` may be NULL. */
void model_confirmed_write(struct buf *out, const struct model_confirmed *items, size_t n);
void model_confirmed_read(struct cur *c, size_t n, struct model_confirmed *out);

struct model_confirmation {
    struct bytes scan;
    int64_t time_s;
    const struct model_confirmed *items;
    size_t n; /* at least one */
    uint8_t said[32];
};

void model_confirmation_json(struct json *j, const char *key, const struct model_confirmation *c);
/* ERR_FORMAT (fault: the member), ERR_MEMORY. The items are in the arena. */
enum err model_confirmation_read(struct arena *a, struct json_value v,
                                 struct model_confirmation *out, struct fault *f) MUST_CHECK;

/* What an observation says but for its scan, its time and the measures of that look (durations,
 * bytes): the begin of SHA-256 over its JSON with those empty. `room` is written over; its error
 * is that of this. */
void model_observation_said(const struct model_observation *o, struct buf *room,
                            uint8_t out[MODEL_SAID_SIZE]);

#endif
