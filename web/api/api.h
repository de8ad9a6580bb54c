/* The REST API: one table of routes, who may call them, and their handlers.
 *
 * The rows are in rows.c, the OpenAPI document printed from them in openapi.c.
 * All paths are below /api/v1; what is not is looked up among the GUI's assets.
 *
 *   api_admit   on the loop's thread, head only: route, session or key, roles, CSRF
 *   api_handle  on the loop's thread: hands the request to http_work
 *   run         on a background thread: signature, body, handler; may wait for the disk
 *
 * Errors are application/problem+json. A change is answered 2xx only when it is
 * durable, and each act of an administrator is an entry of the log.
 */
#ifndef API_API_H
#define API_API_H

#include "ca/ca.h"
#include "export/checkpoint.h"
#include "store/inventory/inventory.h"
#include "web/auth/auth.h"
#include "web/http/http.h"

#define API_ROOT "/api/v1"

/* What signs the log's checkpoints. */
struct api_log_key {
    struct checkpoint_key key;
    uint8_t secret[64];
};

struct api_options {
    const struct env *env;
    struct inventory *inventory;
    struct auth *auth;
    const char *name;        /* of the server, for people */
    const char *url;         /* "https://clm.example.com:8443", without a slash behind */
    const char *pin;         /* how agents know the server: "sha256-HEX" of its root, or "system" */
    const char *root_sha256; /* hex, or NULL where the root is not ours to show */
    const struct http_asset *assets; /* sorted by path */
    size_t assets_n;
    const struct api_log_key *log_key; /* NULL: heads are told, not signed */
    const char *data;     /* folder, for the note of the last backup; NULL: there is none */
    bool backups_set;     /* server.conf wants backups: none, or an old one, is told */
    const char *profiles; /* file; NULL, or where it is absent: those of ca_profiles_default */
};

struct api; /* opaque */

/* Borrows all that the options point to. */
enum err api_open(const struct api_options *options, struct api **out, struct fault *f) MUST_CHECK;
void api_close(struct api *api);

/* What issues from now on; NULL (as at first): nothing does. Returns what did before,
 * which nobody uses any more: it may be closed. Any thread; waits for calls under way. */
struct ca *api_authority(struct api *api, struct ca *ca);

/* For http_options; their context is the struct api. */
bool api_admit(void *context, struct http_request *rq, size_t *body_max);
enum http_verdict api_handle(void *context, struct http_request *rq);

/* The same handlers without a server, as local administrator: what the commands of
 * clm-server do while none runs. `path` is as on the wire, without query and without
 * escapes. Appends the answer's body to *answer. Blocks. */
void api_call_local(struct api *api, enum http_method method, const char *path, struct bytes body,
                    unsigned *status, struct buf *answer);

/* The OpenAPI 3.1 document of all routes, as GET /api/v1/openapi.json gives it. */
void api_openapi(const char *url, struct buf *out);

#endif
