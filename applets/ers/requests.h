/* The certificates that this host asked for: what for, where they go, how far they are.
 *
 * One flat file in the state folder, `requests`, an object of JSON a line; replaced whole.
 * An entry is written before its request is sent, so that after a crash the same request
 * goes on: its id makes the server answer the same one again, never make a second. The
 * private key lies in `keys/ID.pem` beside it (0600), written before the entry.
 */
#ifndef APPLETS_ERS_REQUESTS_H
#define APPLETS_ERS_REQUESTS_H

#include "applets/ers/agent.h"

enum { REQUEST_NAMES_MAX = 100, REQUESTS_MAX = 10000 };

struct request {
    const char *id;                    /* 32 hex digits, random */
    const char *dns, *ip;              /* comma separated, in their one form; "" for none */
    const char *profile;               /* NULL: the server's default */
    const char *key_type;              /* "ec-p256", "rsa-3072" */
    const char *out;                   /* folder */
    const char *format;                /* "pem", "combined" */
    const char *owner, *mode;          /* of key.pem; NULL: this user, 0600 */
    const char *reload;                /* NULL: none */
    const char *state;                 /* "pending", "installed", "refused" */
    const char *reason;                /* of a refusal */
    const char *sha256;                /* of the certificate that is installed; NULL */
    int64_t not_before_s, not_after_s; /* its */
};

/* All in the agent's arena. */
struct requests {
    struct request *items;
    size_t n;
};

enum err requests_read(const struct agent *a, struct requests *out, struct fault *f) MUST_CHECK;
enum err requests_write(const struct agent *a, const struct requests *r,
                        struct fault *f) MUST_CHECK;
/* One at a time: ERR_LOCKED where another run has it. */
enum err requests_lock(const struct agent *a, struct os_lock *lock, struct fault *f) MUST_CHECK;
/* The entry for this folder; NULL: none. A folder holds one certificate. */
struct request *requests_for(const struct requests *r, const char *out);
/* A new id and private key for an entry; the key's file is there when it returns. */
enum err request_begin(const struct agent *a, struct request *r, struct fault *f) MUST_CHECK;

const char *request_key_file(const struct agent *a, const struct request *r);

/* Takes an entry as far as it goes now: sends it or asks for it, installs what was
 * issued, runs the reload command, reports. *entry is changed and written with `all`.
 * ERR_OK: installed, or it waits (state "pending"). ERR_PERMISSION: refused, the fault
 * has the reason. ERR_FAILED: the reload failed, and the old files are back. */
enum err request_advance(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct request *entry, struct fault *f) MUST_CHECK;
/* Looks at the configured targets after something was installed. */
void request_look(const struct agent *a);

#endif
