/* Which observations of a batch the server has but for their time: they are sent as one
 * confirmation (model/confirmation.h), and their certificates not at all. Private to
 * deliver.c. */
#ifndef APPLETS_ERS_AGAIN_H
#define APPLETS_ERS_AGAIN_H

#include "applets/ers/pushed.h"
#include "crypto/crypto.h"

/* One line of an observation. */
struct again_line {
    uint8_t said[MODEL_SAID_SIZE];
    bool is_read;           /* else said says nothing */
    struct pushed_row *row; /* confirmed; NULL: sent whole */
    int64_t time_s;
};

struct again {
    struct pushed *pushed;
    struct again_line *lines; /* of the observations, in their order */
    size_t n, confirmed_n;
    struct bytes scan;              /* of those that are confirmed */
    uint8_t (*served)[SHA256_SIZE]; /* certificates that they show, sorted */
    size_t served_n;
    bool is_complete; /* the batch ends a scan that looked at everything */
};

/* Borrows `pushed`; all else is in the arena. `lines_n`: at least as many as the text has. */
enum err again_open(struct again *g, struct pushed *pushed, struct arena *a, struct bytes text,
                    size_t lines_n, struct fault *f) MUST_CHECK;
/* The server has it, if it has what is confirmed. The fingerprint in hex. */
bool again_is_served(const struct again *g, struct bytes sha256_hex);
/* The line of the confirmation, where there is one. */
enum err again_put(const struct again *g, struct buf *out, struct fault *f) MUST_CHECK;
/* The server has something else: all is to be sent whole. */
void again_withdraw(struct again *g);
/* The batch is stored: the numbers of the faces of the lines that were sent whole, as the
 * server's answer has them. */
void again_learn(struct again *g, struct json_value faces);

bool again_is_observation(struct bytes line);

#endif
