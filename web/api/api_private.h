/* Inner shapes of web/api; see api.h for what they are for. */
#ifndef API_API_PRIVATE_H
#define API_API_PRIVATE_H

#include "web/api/api.h"

#include "base/json.h"
#include "base/thread.h"
#include "store/inventory/requests.h"

struct api {
    struct api_options o;
    struct rwlock *ca_lock;   /* guards ca */
    struct ca *ca;            /* NULL: none */
    struct mutex *issue_lock; /* held while a request is looked at and issued */
    struct mutex *crl_lock;   /* guards what follows: the newest revocation list */
    struct buf crl;
    uint64_t crl_revision;
    int64_t crl_made_s;
};

/* One request under way, in its arena. */
struct api_call {
    struct api *api;
    const struct api_options *o; /* the api's */
    struct http_request *rq;
    const struct api_route *route;

    bool by_agent;                     /* signed; else by people */
    enum auth_role role;               /* of the caller; AUTH_PUBLIC where nobody */
    struct auth_user user;             /* people; name "local" by the control socket */
    struct inventory_agent agent;      /* agents */
    struct auth_signed signed_request; /* agents: as the signature sees it */
    struct signature_params signature;
    const char *actor; /* for the audit trail: "user:alex", "local", "agent:HEX" */

    struct json_value body; /* JSON_NONE where the row takes none */
    struct json json;       /* of the answer */
    struct fault fault;     /* why the handler failed */
    size_t column;          /* of the query `q` that does not parse, from 1; 0: it is not that */
};

/* Handlers write the answer through call->json or rq->response and return ERR_OK,
 * or fill call->fault: it becomes the problem. They run on a background thread. */
typedef enum err api_handler(struct api_call *call);

enum api_in { API_PATH = 1, API_QUERY, API_BODY };

/* A parameter or a member of the body. The dispatcher refuses what is not in the
 * row, what is missing, and what is of another type, each by its name. */
struct api_param {
    const char *name; /* NULL closes a list */
    enum api_in in;
    enum json_type type; /* JSON_STRING, JSON_NUMBER (an integer), JSON_BOOL, JSON_ARRAY */
    bool required;       /* else it may be missing or null */
    const char *help;
};

enum api_content { API_JSON, API_NDJSON, API_PEM, API_CRL, API_NOTE, API_NOTHING };
/* Of answers and bodies; NULL: there is none. */
const char *api_content_type(enum api_content content);

struct api_route {
    enum http_method method;
    const char *path; /* pattern of web/http/route.h */
    enum auth_role role;
    bool is_signed;  /* the handler checks a signature by itself (enrolment) */
    size_t body_max; /* bytes as sent */
    enum api_content takes, gives;
    unsigned status; /* on success */
    api_handler *handler;
    const struct api_param *params;
    const char *help;
    bool or_agent; /* agents may call it too: where it comes signed */
};

/* rows.c */
extern const struct api_route api_routes[];
extern const size_t api_routes_n;

/* ---- reply.c: what handlers share ---- */

enum { API_EXPIRING_DAYS = 30, API_QUIET_MS = 36 * 60 * 60 * 1000 };

int64_t api_now_s(const struct api_call *call);

/* Opens and closes the object that is the answer. */
struct json *api_begin(struct api_call *call);
enum err api_end(struct api_call *call);

/* Members of the body; false where it is missing or null. */
bool api_text(struct api_call *call, const char *name, struct bytes *out);
bool api_number(struct api_call *call, const char *name, int64_t *out);
bool api_bool(struct api_call *call, const char *name, bool *out);
/* An array of at most `most` strings, in the arena; ERR_USAGE else. *there: it is there. */
enum err api_texts(struct api_call *call, const char *name, size_t most, struct bytes **out,
                   size_t *n, bool *there) MUST_CHECK;

/* A hex identifier out of the path: ERR_NOT_FOUND where it is none. */
enum err api_path_id(struct api_call *call, size_t i, uint8_t *out, size_t n,
                     const char *what) MUST_CHECK;

/* The query in parameter q, about these rows; *where is NULL where there is none. */
enum err api_where(struct api_call *call, enum query_rows rows,
                   const struct query **where) MUST_CHECK;
/* List parameters. `sorts` ends with a NULL name; its first row is the default. */
struct api_sort {
    const char *name;
    enum inventory_sort sort;
};
enum err api_list_query(struct api_call *call, enum query_rows rows, const struct api_sort *sorts,
                        struct inventory_query *q) MUST_CHECK;
/* {"items":[ ... and ... ],"next":...,"total":N} */
void api_list_begin(struct api_call *call);
enum err api_list_end(struct api_call *call, const struct inventory_page *page);

/* Writes an audit entry and waits for it. `object` is "kind:name". */
enum err api_audit(struct api_call *call, const char *verb, const char *object_kind,
                   struct bytes object, const char *detail) MUST_CHECK;

/* The same for changes that take an act along, in one commit. Texts are in the arena. */
enum err api_act(struct api_call *call, const char *verb, const char *object_kind,
                 struct bytes object, const char *detail, struct inventory_audit *act) MUST_CHECK;

/* Parts of answers. */
void api_json_state(struct json *j, bool has_end, bool has_begin, int64_t not_before_s,
                    int64_t not_after_s, int64_t now_s);               /* "state", "days_left" */
void api_json_key(struct json *j, const char *key, struct bytes text); /* of "EC P-256" */
void api_json_agent(struct json *j, const char *key, const uint8_t *id, struct bytes name);
void api_json_ms(struct json *j, const char *key, int64_t ms);              /* 0: null */
void api_json_optional(struct json *j, const char *key, struct bytes text); /* empty: null */

/* ---- people.c ---- */
api_handler api_session_begin, api_session_get, api_session_end, api_session_link;
api_handler api_users_list, api_users_add, api_users_disable, api_users_enable, api_users_link,
    api_users_password;
api_handler api_tokens_list, api_tokens_add, api_tokens_revoke;
/* Whose cookie came with the request; false: nobody's. */
bool api_session_of(const struct api_options *o, const struct http_request *rq,
                    struct auth_user *out);

/* ---- certificates.c, endpoints.c, agents.c, summary.c, digest.c ---- */
api_handler api_certificates_list, api_certificates_get, api_certificates_pem;
api_handler api_certificates_groups, api_query_fields; /* groups.c */
api_handler api_endpoints_list, api_endpoints_get;
api_handler api_agents_list, api_agents_get, api_agents_rename, api_agents_disable,
    api_agents_enable, api_agents_enrol, api_agents_self;
api_handler api_summary, api_health, api_openapi_get;
api_handler api_digest;

int64_t api_agent_heard_ms(const struct inventory_agent *agent); /* last; 0: never */
bool api_agent_is_quiet(const struct api_call *call, const struct inventory_agent *agent);

/* ---- authority.c ---- */
api_handler api_profiles_list, api_ca_chain, api_ca_crl, api_certificates_revoke;

/* The profiles as their file has them now, in the arena. ERR_DAMAGED names file and line. */
enum err api_profiles(struct api_call *call, struct ca_profiles *out) MUST_CHECK;
/* What a profile allows, in the words of its file; "" for a rule that is none of its keys. */
const char *api_profile_rule(struct arena *a, const struct ca_profile *p, const char *rule);
/* ERR_UNSUPPORTED where nothing issues. */
enum err api_issue(struct api_call *call, const struct x509_request *request,
                   const struct ca_profile *profile, struct ca_issued *out) MUST_CHECK;
bool api_has_authority(struct api_call *call);

/* ---- log.c ---- */
api_handler api_log_head, api_log_checkpoint, api_log_consistency, api_certificates_proof;

/* ---- import.c ---- */
api_handler api_imports_add;

/* ---- backup.c ---- */
api_handler api_log_point, api_backup_made;
void api_json_backup(struct api_call *call, struct json *j); /* "backup" of the summary */

/* ---- compact.c ---- */
api_handler api_compactions_add, api_compactions_get;

/* ---- requests.c, requests_json.c ---- */
api_handler api_requests_add, api_requests_list, api_requests_get, api_requests_approve,
    api_requests_refuse, api_requests_outcome;

/* A request as an object's members; `d` has the CSR only where differences are wanted. */
enum err api_json_request(struct api_call *call, const struct inventory_request_detail *d,
                          const struct ca_profiles *profiles, bool whole) MUST_CHECK;
/* "names":{"dns":[],"ip":[]} of lines of text */
void api_json_names(struct json *j, const char *key, struct bytes names);

/* ---- services.c, work.c ---- */
api_handler api_services_get, api_services_set;
api_handler api_work_get, api_work_done, api_agents_targets, api_agents_rescan;
void api_json_service(struct json *j, const char *key, const struct inventory_service *s);
/* "targets" and "rescan" of an agent's page. */
enum err api_json_agent_work(struct api_call *call, const uint8_t *agent) MUST_CHECK;

/* ---- push.c, lines.c ---- */
api_handler api_push_missing, api_push_observations;

/* A rejected line of a push. */
struct push_rejection {
    size_t line;
    enum err code;
    const char *detail; /* static or in the arena */
};

/* A line that stands for observations: store/inventory knows which. */
struct push_confirmation {
    struct model_confirmation said;
    size_t line;
};

/* What the lines of a push hold. Everything lives in `arena`, texts borrow `text`. */
struct push_lines {
    struct inventory_der *certificates;
    size_t *certificate_lines;
    size_t certificates_n;
    struct model_observation *observations;
    size_t *observation_lines;
    size_t observations_n;
    struct push_confirmation *confirmations;
    size_t confirmations_n;
    bool has_summary, complete;
    struct model_summary summary;
    struct push_rejection *rejections;
    size_t rejections_n, unknown_n; /* unknown_n: lines of a type that is not known here */
};

enum { PUSH_LINE_MAX = 1 << 20, PUSH_DECODED_MAX = 64 << 20, PUSH_REJECTIONS_MAX = 1000 };

/* Reads NDJSON. A bad line is a rejection and does not touch the others. ERR_LIMIT:
 * more than INVENTORY_PUSH_MAX of a kind, or more than PUSH_REJECTIONS_MAX rejections. */
enum err push_lines_read(struct arena *arena, struct bytes text, struct push_lines *out,
                         struct fault *f) MUST_CHECK;

/* ---- routes.c ---- */

/* Runs an admitted call to its end: the response is filled. */
void api_run(struct api_call *call);
/* The problem for a fault. */
void api_problem(struct api_call *call, const struct fault *f);

#endif
