/* The agent's identity and its way to the server.
 *
 * `ers.conf` (server, agent, name, network, pin, ca) says who it is and whom it
 * trusts; people may edit it. The private key lies in the state folder, mode 0600.
 * Requests are signed (net/signature.h), so that they may pass a proxy that
 * terminates TLS.
 */
#ifndef APPLETS_ERS_AGENT_H
#define APPLETS_ERS_AGENT_H

#include "applets/ers/targets.h"
#include "crypto/crypto.h"
#include "net/http.h"

/* The keys of ers.conf; NULL where it has none. */
struct agent_config {
    const char *server;  /* "https://host[:port]" */
    const char *agent;   /* id, given by the server */
    const char *name;    /* as the server lists it */
    const char *network; /* agents with the same one see the same network */
    const char *pin;     /* "sha256-HEX", several with commas, or "system" */
    const char *ca;      /* file of roots, instead of a pin */
    const char
        *remote; /* "none", "scan" (the default) or "all": what `ers sync` does for the server */
};
extern const struct opt_row agent_config_rows[];

struct agent {
    struct env *env;
    const struct opt_common *common;
    struct arena *arena;
    struct ers_places places;
    const char *conf, *key_file, *lock_file, *spool, *last, *done, *delivery, *pushed; /* paths */
    struct agent_config config;
    bool enrolled; /* there is a server, an id and a key */
};

/* Reads what there is; nothing of it need be there. */
enum err agent_open(struct env *env, const struct opt_common *common, struct agent *out,
                    struct fault *f) MUST_CHECK;
/* Makes the state folder (0700), where it is missing. */
enum err agent_state_make(const struct agent *a, struct fault *f) MUST_CHECK;
/* Writes config into ers.conf: lines of other keys, comments and order stay. A NULL
 * member takes its line out. */
enum err agent_config_save(const struct agent *a, struct fault *f) MUST_CHECK;

/* The private key, as PEM (PKCS#8). */
enum err agent_key_read(const struct agent *a, struct signing_key **out,
                        struct fault *f) MUST_CHECK;
enum err agent_key_write(const struct agent *a, const struct signing_key *key,
                         struct fault *f) MUST_CHECK;

/* What is known about deliveries, across runs: seconds since 1970, 0 for never. */
struct agent_delivery {
    uint64_t success_s, told_s;
    uint64_t failing_s; /* since when each one has failed; 0 after a success */
    const char *error;  /* the last one, NULL after a success */
};
enum err agent_delivery_read(const struct agent *a, struct agent_delivery *out,
                             struct fault *f) MUST_CHECK;
enum err agent_delivery_write(const struct agent *a, const struct agent_delivery *d,
                              struct fault *f) MUST_CHECK;

/* A connection to the server under a key. */
struct agent_session;

/* Borrows key and texts. pin and ca as in the configuration. ERR_USAGE where the
 * URL or pin is none. */
enum err agent_session_open(struct env *env, const char *server, const char *pin, const char *ca,
                            const struct signing_key *key, struct agent_session **out,
                            struct fault *f) MUST_CHECK;
/* The same from the configuration: ERR_CREDENTIALS where the agent is not enrolled. */
enum err agent_session_of(const struct agent *a, struct signing_key **key,
                          struct agent_session **out, struct fault *f) MUST_CHECK;
void agent_session_close(struct agent_session *s); /* NULL is allowed */

struct agent_request {
    const char *method, *path; /* with its query */
    struct bytes body;         /* p NULL: none */
    const char *content_type;
    bool gzipped; /* body is, and the header says so */
};
/* Sends it signed. ERR_OK for 2xx, with the body in *answer (the caller's; cleared
 * first). Else the server's problem is told: ERR_CREDENTIALS, ERR_CLOCK (with how
 * much the clocks differ), ERR_EXISTS, ERR_USAGE, ERR_BUSY ..., ERR_NETWORK where it is
 * none of ours. */
enum err agent_session_call(struct agent_session *s, const struct agent_request *request,
                            struct buf *answer, struct fault *f) MUST_CHECK;
/* The HTTP status of the last answer; 0 where there was none. */
int agent_session_status(const struct agent_session *s);

/* "clm1.SECRET.PIN": the pin, borrowed; false where the token has another form. */
bool agent_token_pin(struct bytes token, struct bytes *pin);
/* Host and port of the server, for messages. In the arena. */
const char *agent_server_shown(struct arena *a, const char *server);

#endif
