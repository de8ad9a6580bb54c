/* The certificates that this host asked for: what for, where they go, how far they are.
 *
 * One flat file beside the configuration, `requests` (0600), an object of JSON a line;
 * replaced whole, under the lock `requests.lock`. It is not in the state folder, which
 * may belong to a user of its own: what stands here is run (`reload`) and written to by
 * whoever renews, so it belongs to them alone.
 *
 *   id        of the request, 32 hex digits; with it the server knows the request again
 *   dns, ip   names, comma separated, in their one form; "" for none
 *   profile   absent: the server's default
 *   key_type  ec-p256, rsa-2048, rsa-3072, rsa-4096
 *   out       folder, full path: an entry's identity
 *   format    pem, combined, pkcs12
 *   password_file    of pkcs12, full path; absent: one is made (install.h)
 *   owner, mode, reload    absent: this user, 0600, no command
 *   state     pending     asked for, or about to be: the same request goes on
 *             failed      issued, but installing it or the reload command failed
 *             installed
 *             refused     with its reason
 *   sha256, version, not_before, not_after    of the certificate that is installed: its
 *             fingerprint, the request that it came from, seconds since 1970
 *   outcome, outcome_id    what the server does not know yet about a request of ours
 *
 * An entry is written before its request is sent, and the private key (install.h) before
 * the entry: after a crash the same request goes on, and there is never a second one.
 */
#ifndef APPLETS_ERS_REQUESTS_H
#define APPLETS_ERS_REQUESTS_H

#include "applets/ers/agent.h"

enum { REQUEST_NAMES_MAX = 100, REQUESTS_MAX = 10000, REQUEST_ID_SIZE = 16 };

struct request { /* NULL: absent */
    const char *id, *dns, *ip, *profile, *key_type, *out, *format, *owner, *mode, *reload;
    const char *password_file;
    const char *state, *reason, *sha256, *version, *outcome, *outcome_id;
    int64_t not_before_s, not_after_s;
};

/* All in an arena; there is room for one more behind the last. */
struct requests {
    struct request *items;
    size_t n;
};

/* Absent: none. ERR_DAMAGED names the line. */
enum err requests_read(const struct agent *a, struct requests *out, struct fault *f) MUST_CHECK;
/* The same from bytes; `name` is for messages. */
enum err requests_parse(struct arena *a, struct bytes text, const char *name, struct requests *out,
                        struct fault *f) MUST_CHECK;
enum err requests_write(const struct agent *a, const struct requests *r,
                        struct fault *f) MUST_CHECK;
void requests_put(const struct requests *r, struct buf *out);
/* One at a time: ERR_LOCKED where another run has it. ERR_PERMISSION: they are another
 * user's. */
enum err requests_lock(const struct agent *a, struct os_lock *lock, struct fault *f) MUST_CHECK;
/* The entry for this folder; NULL: none. A folder holds one certificate. */
struct request *requests_for(const struct requests *r, const char *out);
bool request_is(const struct request *r, const char *state);
/* One of its names or addresses, or its folder. */
bool request_has_name(const struct request *r, const char *name);

/* A new id and private key for an entry; the key is in its place when it returns, which
 * proves that the folder can be written to. The entry is pending, and to be written next. */
enum err request_begin(const struct agent *a, struct request *r, struct fault *f) MUST_CHECK;

/* Takes an entry as far as it goes now: asks, installs what was issued, runs the reload
 * command, reports. *entry is changed and written with `all`. ERR_OK: installed, or it
 * waits (pending). ERR_PERMISSION: refused, the fault has the reason. ERR_FAILED,
 * ERR_TIMEOUT with the state failed: the reload failed, and the old files are back. */
enum err request_advance(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct request *entry, struct fault *f) MUST_CHECK;
/* Tells the server the outcomes that it does not know yet. What cannot be told stays. */
enum err requests_report(const struct agent *a, struct agent_session *session, struct requests *all,
                         struct fault *f) MUST_CHECK;
bool requests_have_outcomes(const struct requests *all);

/* After an installation: looks at the endpoints that served the certificate before
 * (old_sha256, NULL for none) and at the targets with the request's names, and pushes what
 * it sees. A service may take a moment to change over: it looks up to three times. Tells on
 * standard error where the old one is still served; false then. */
bool request_look(const struct agent *a, const struct request *r, const char *old_sha256);

#endif
