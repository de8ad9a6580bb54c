/* The table of routes. A new call is one row here, and one handler in the file of
 * its subject; the way of a request through the rows is in routes.c. */
#include "web/api/api_private.h"

enum { SMALL = 16 * 1024, LARGE = 2 << 20, FINGERPRINTS = 1 << 20 };

/* clang-format off */

static const struct api_param none[] = {{0}};

#define TEXT   JSON_STRING
#define NUMBER JSON_NUMBER

#define PAGED \
    {"q",      API_QUERY, TEXT,   false, "a query, see GET /query"},                               \
    {"order",  API_QUERY, TEXT,   false, "asc (default) or desc"},                            \
    {"cursor", API_QUERY, TEXT,   false, "`next` of the page before"},                        \
    {"limit",  API_QUERY, NUMBER, false, "rows of a page, 1 to 1000, default 100"}

static const struct api_param certificates[] = {
    PAGED,
    {"sort",   API_QUERY, TEXT, false, "not_after (default), display_name or first_seen"},
    {"served", API_QUERY, TEXT, false, "true: only what is served somewhere now"},
    {"agent",  API_QUERY, TEXT, false, "only what this agent saw last; its id"},
    {0},
};
static const struct api_param endpoints[] = {
    PAGED,
    {"sort",  API_QUERY, TEXT, false, "host (default) or first_seen"},
    {"agent", API_QUERY, TEXT, false, "only what this agent saw last; its id"},
    {0},
};
static const struct api_param groups[] = {
    {"by",    API_QUERY, TEXT,   true,  "week (of the end), issuer, key or agent"},
    {"q",     API_QUERY, TEXT,   false, "a query, see GET /query: only these are counted"},
    {"limit", API_QUERY, NUMBER, false, "rows at most, the largest first, 1 to 1000, default 100; not of weeks"},
    {0},
};
static const struct api_param agents[] = {
    PAGED,
    {"sort", API_QUERY, TEXT, false, "name (default) or enrolled"},
    {0},
};
static const struct api_param within[] = {
    {"within_hours", API_QUERY, NUMBER, false, "what ends so soon counts, default 720 (30 days)"},
    {0},
};
static const struct api_param by_sha256[] = {
    {"sha256", API_PATH, TEXT, true, "SHA-256 of the certificate's DER, hex"},
    {0},
};
static const struct api_param proof[] = {
    {"sha256", API_PATH,  TEXT,   true,  "SHA-256 of the certificate's DER, hex"},
    {"size",   API_QUERY, NUMBER, false, "entries of the tree, default all: that of a checkpoint"},
    {0},
};
static const struct api_param consistency[] = {
    {"from", API_QUERY, NUMBER, true,  "entries of the earlier tree, from 1"},
    {"size", API_QUERY, NUMBER, false, "entries of the later one, default all"},
    {0},
};
static const struct api_param by_id[] = {
    {"id", API_PATH, TEXT, true, "identifier, hex"},
    {0},
};
static const struct api_param by_name[] = {
    {"name", API_PATH, TEXT, true, "the user's name"},
    {0},
};
static const struct api_param rename_agent[] = {
    {"id",   API_PATH, TEXT, true, "identifier, hex"},
    {"name", API_BODY, TEXT, true, "the new name: letters, digits and . _ -"},
    {0},
};
static const struct api_param requests[] = {
    PAGED,
    {"sort",  API_QUERY, TEXT, false, "created"},
    {"state", API_QUERY, TEXT, false, "pending, approved, issued, refused or revoked"},
    {"agent", API_QUERY, TEXT, false, "only those of this agent; its id"},
    {0},
};
static const struct api_param refusal[] = {
    {"id",     API_PATH, TEXT, true, "identifier, hex"},
    {"reason", API_BODY, TEXT, true, "why, for the people of the agent"},
    {0},
};
static const struct api_param revocation[] = {
    {"sha256", API_PATH, TEXT, true, "SHA-256 of the certificate's DER, hex"},
    {"reason", API_BODY, TEXT, true, "superseded, keyCompromise, cessationOfOperation, ... (RFC 5280)"},
    {0},
};
static const struct api_param service[] = {
    {"id",    API_PATH, TEXT,       true,  "identifier, hex"},
    {"owner", API_BODY, TEXT,       false, "who cares for it; what is not said stays"},
    {"tags",  API_BODY, JSON_ARRAY, false, "words, at most 32"},
    {"notes", API_BODY, TEXT,       false, "free text"},
    {0},
};
static const struct api_param targets[] = {
    {"id",   API_PATH, TEXT, true, "identifier, hex"},
    {"text", API_BODY, TEXT, true, "lines of a targets file; empty: none from here"},
    {0},
};
static const struct api_param rescan[] = {
    {"id",      API_PATH, TEXT,       true,  "identifier, hex"},
    {"targets", API_BODY, JSON_ARRAY, false, "host or host:port, at most 50; none: all of the agent's"},
    {0},
};
static const struct api_param request[] = {
    {"id",       API_BODY, TEXT, true,  "32 hex digits, random: the same again continues the same request"},
    {"csr",      API_BODY, TEXT, true,  "the request (PKCS#10), PEM"},
    {"profile",  API_BODY, TEXT, false, "by name; without it the first that the request fits"},
    {"replaces", API_BODY, TEXT, false, "SHA-256 of the certificate that it takes the place of"},
    {0},
};
static const struct api_param outcome[] = {
    {"id",          API_PATH, TEXT,      true,  "identifier, hex"},
    {"installed",   API_BODY, JSON_BOOL, true,  "are the files in their place?"},
    {"reload_exit", API_BODY, NUMBER,    false, "exit status of the reload command"},
    {"detail",      API_BODY, TEXT,      false, "what it said last, at most 4096 bytes"},
    {0},
};
static const struct api_param rescan_done[] = {
    {"rescan", API_BODY, TEXT, true, "its id"},
    {0},
};
static const struct api_param import[] = {
    {"file", API_BODY, TEXT, true, "its name, for the audit trail"},
    {"pem",  API_BODY, TEXT, true, "certificates, at most 10000"},
    {0},
};
static const struct api_param compact[] = {
    {"before",  API_BODY, TEXT,      true,  "2026-12-31T00:00:00Z: what is older, and said nothing that is not known otherwise, goes"},
    {"dry_run", API_BODY, JSON_BOOL, false, "only tell what would go"},
    {0},
};
static const struct api_param backup_made[] = {
    {"folder",  API_BODY, TEXT,      true,  "where it lies"},
    {"entries", API_BODY, NUMBER,    true,  "of the log in it"},
    {"bytes",   API_BODY, NUMBER,    true,  "of all its files"},
    {"secrets", API_BODY, JSON_BOOL, false, "are they in it, sealed?"},
    {0},
};
static const struct api_param log_in[] = {
    {"user",     API_BODY, TEXT, true, "name"},
    {"password", API_BODY, TEXT, true, "password"},
    {0},
};
static const struct api_param use_link[] = {
    {"link",     API_BODY, TEXT, true, "the secret of the one-time link"},
    {"password", API_BODY, TEXT, true, "the new password, 12 bytes or more"},
    {0},
};
static const struct api_param user[] = {
    {"name", API_BODY, TEXT, true, "letters, digits and . _ @ -"},
    {"role", API_BODY, TEXT, true, "viewer or admin"},
    {0},
};
static const struct api_param password[] = {
    {"name",     API_PATH, TEXT, true, "the user's name"},
    {"current",  API_BODY, TEXT, false, "the password until now; only the local administrator goes without"},
    {"password", API_BODY, TEXT, true, "the new password, 12 bytes or more"},
    {0},
};
static const struct api_param token[] = {
    {"uses",        API_BODY, NUMBER, false, "how many agents it enrols, default 1"},
    {"valid_hours", API_BODY, NUMBER, false, "1 to 8760, default 24"},
    {"network",     API_BODY, TEXT,   false, "of these agents; default: theirs to say"},
    {"names",       API_BODY, TEXT,   false, "pattern that their names must fit, default *"},
    {"for",         API_BODY, TEXT,   false, "re-enrols this agent, which keeps its history"},
    {0},
};
static const struct api_param enrolment[] = {
    {"token",      API_BODY, TEXT, true,  "the enrolment token, whole or its secret alone"},
    {"name",       API_BODY, TEXT, true,  "letters, digits and . _ -"},
    {"network",    API_BODY, TEXT, false, "label; the token's own counts before it"},
    {"public_key", API_BODY, TEXT, true,  "SubjectPublicKeyInfo DER of a P-256 key, base64"},
    {"system",     API_BODY, TEXT, false, "operating system, for people"},
    {"version",    API_BODY, TEXT, false, "of the agent"},
    {0},
};
static const struct api_param fingerprints[] = {
    {"sha256", API_BODY, JSON_ARRAY, true, "at most 10000 fingerprints, hex"},
    {0},
};
static const struct api_param batch[] = {
    {"batch", API_QUERY, TEXT, true, "the batch's random id, 32 hex digits: stored once"},
    {0},
};

#define GET(path, role, gives, handler, params, help) \
    {HTTP_GET, API_ROOT path, role, false, 0, API_NOTHING, gives, 200, handler, params, help, false}
#define POST(path, role, status, handler, params, help) \
    {HTTP_POST, API_ROOT path, role, false, SMALL, API_JSON, API_JSON, status, handler, params, help, false}
#define DELETE(path, role, handler, params, help) \
    {HTTP_DELETE, API_ROOT path, role, false, 0, API_NOTHING, API_NOTHING, 204, handler, params, help, false}

/* The first row that fits counts: "self" stands before "{id}". */
const struct api_route api_routes[] = {
    GET("/health", AUTH_PUBLIC, API_JSON, api_health, none,
        "Is the server there?"),
    GET("/openapi.json", AUTH_PUBLIC, API_JSON, api_openapi_get, none,
        "This description"),

    POST("/session", AUTH_PUBLIC, 200, api_session_begin, log_in,
         "Log in: sets the session's cookie"),
    POST("/session/link", AUTH_PUBLIC, 200, api_session_link, use_link,
         "Set a password with a one-time link, and log in"),
    GET("/session", AUTH_VIEWER, API_JSON, api_session_get, none,
        "Who am I?"),
    DELETE("/session", AUTH_VIEWER, api_session_end, none,
           "Log out"),

    GET("/summary", AUTH_VIEWER, API_JSON, api_summary, none,
        "Counts, and who the server is"),
    GET("/digest", AUTH_VIEWER, API_JSON, api_digest, within,
        "What the daily mail says: served and managed certificates that end, quiet agents"),
    GET("/certificates", AUTH_VIEWER, API_JSON, api_certificates_list, certificates,
        "Certificates, paged"),
    GET("/certificates/groups", AUTH_VIEWER, API_JSON, api_certificates_groups, groups,
        "Certificates counted by week of their end, issuer, key or agent, each with its query"),
    GET("/certificates/{sha256}", AUTH_VIEWER, API_JSON, api_certificates_get, by_sha256,
        "All of one certificate, and where it was seen"),
    GET("/certificates/{sha256}/pem", AUTH_VIEWER, API_PEM, api_certificates_pem, by_sha256,
        "The certificate as a PEM file"),
    GET("/certificates/{sha256}/proof", AUTH_VIEWER, API_JSON, api_certificates_proof, proof,
        "Proof that it is in the log (RFC 9162), with the entry's bytes"),
    POST("/certificates/{sha256}/revoke", AUTH_ADMIN, 200, api_certificates_revoke, revocation,
         "Revoke a certificate that the built-in authority issued"),
    GET("/query", AUTH_VIEWER, API_JSON, api_query_fields, none,
        "The fields of queries: what each is, its operators, an example"),
    GET("/endpoints", AUTH_VIEWER, API_JSON, api_endpoints_list, endpoints,
        "Endpoints, paged"),
    GET("/endpoints/{id}", AUTH_VIEWER, API_JSON, api_endpoints_get, by_id,
        "One endpoint, its faces and its certificates now and before"),

    GET("/agents/self", AUTH_AGENT, API_JSON, api_agents_self, none,
        "An agent about itself"),
    GET("/agents", AUTH_VIEWER, API_JSON, api_agents_list, agents,
        "Agents, paged"),
    GET("/agents/{id}", AUTH_VIEWER, API_JSON, api_agents_get, by_id,
        "One agent"),
    POST("/agents/{id}/rename", AUTH_ADMIN, 200, api_agents_rename, rename_agent,
         "Give an agent another name"),
    POST("/agents/{id}/disable", AUTH_ADMIN, 200, api_agents_disable, by_id,
         "Refuse an agent's requests from now on"),
    POST("/agents/{id}/enable", AUTH_ADMIN, 200, api_agents_enable, by_id,
         "Take an agent's requests again"),

    {HTTP_POST, API_ROOT "/agents/{id}/targets", AUTH_ADMIN, false, LARGE, API_JSON, API_JSON, 200,
     api_agents_targets, targets, "Set the targets that an agent fetches from here", false},
    POST("/agents/{id}/rescan", AUTH_ADMIN, 200, api_agents_rescan, rescan,
         "Have an agent scan again, within its own targets"),

    GET("/requests", AUTH_VIEWER, API_JSON, api_requests_list, requests,
        "Requests for certificates, paged"),
    {HTTP_GET, API_ROOT "/requests/{id}", AUTH_VIEWER, false, 0, API_NOTHING, API_JSON, 200,
     api_requests_get, by_id, "One request; agents see their own", true},
    POST("/requests/{id}/approve", AUTH_ADMIN, 200, api_requests_approve, by_id,
         "Approve a request: its certificate is issued"),
    POST("/requests/{id}/refuse", AUTH_ADMIN, 200, api_requests_refuse, refusal,
         "Refuse a request, with a reason"),
    GET("/profiles", AUTH_VIEWER, API_JSON, api_profiles_list, none,
        "What may be asked for, and what is then given"),
    GET("/services/{id}", AUTH_VIEWER, API_JSON, api_services_get, by_id,
        "Owner, tags and notes of a line of certificates"),
    POST("/services/{id}", AUTH_ADMIN, 200, api_services_set, service,
         "Set owner, tags and notes"),
    GET("/log", AUTH_VIEWER, API_JSON, api_log_head, none,
        "The log's size, root, and the key that signs its checkpoints"),
    GET("/log/checkpoint", AUTH_PUBLIC, API_NOTE, api_log_checkpoint, none,
        "Its signed head (C2SP tlog-checkpoint), for witnesses and auditors"),
    GET("/log/consistency", AUTH_VIEWER, API_JSON, api_log_consistency, consistency,
        "Proof that it only grew since it had `from` entries (RFC 9162)"),
    GET("/log/point", AUTH_ADMIN, API_JSON, api_log_point, none,
        "How far it is durable: what a backup copies"),
    {HTTP_POST, API_ROOT "/imports", AUTH_ADMIN, false, LARGE, API_JSON, API_JSON, 200,
     api_imports_add, import, "Certificates out of a file; those that are known add nothing", false},
    POST("/backups", AUTH_ADMIN, 200, api_backup_made, backup_made,
        "A backup was made: kept as the last one, and in the audit trail"),
    POST("/compactions", AUTH_ADMIN, 202, api_compactions_add, compact,
        "Begin to drop payloads of old observations; their leaf hashes stay in the log"),
    GET("/compactions", AUTH_ADMIN, API_JSON, api_compactions_get, none,
        "How far the last one is: reading, checking, writing, done or failed; what went, what it freed"),
    GET("/ca/chain", AUTH_PUBLIC, API_PEM, api_ca_chain, none,
        "The issuing certificate and its root"),
    GET("/ca/crl", AUTH_PUBLIC, API_CRL, api_ca_crl, none,
        "The revocation list (RFC 5280)"),

    GET("/tokens", AUTH_ADMIN, API_JSON, api_tokens_list, none,
        "Enrolment tokens that can still be used"),
    POST("/tokens", AUTH_ADMIN, 201, api_tokens_add, token,
         "Make an enrolment token; it is shown once"),
    DELETE("/tokens/{id}", AUTH_ADMIN, api_tokens_revoke, by_id,
           "Revoke an enrolment token"),

    GET("/users", AUTH_ADMIN, API_JSON, api_users_list, none,
        "Users"),
    POST("/users", AUTH_ADMIN, 201, api_users_add, user,
         "Add a user; answers with a one-time link, valid 24 h"),
    POST("/users/{name}/disable", AUTH_ADMIN, 200, api_users_disable, by_name,
         "Disable a user: ends sessions and links"),
    POST("/users/{name}/enable", AUTH_ADMIN, 200, api_users_enable, by_name,
         "Enable a user again"),
    POST("/users/{name}/link", AUTH_ADMIN, 201, api_users_link, by_name,
         "A one-time link, valid 24 h, to set a password of another user"),
    POST("/users/{name}/password", AUTH_VIEWER, 200, api_users_password, password,
         "Set a password: one's own, which ends all other sessions; anybody's as local administrator"),

    /* By agents. */
    {HTTP_POST, API_ROOT "/agents", AUTH_PUBLIC, true, SMALL, API_JSON, API_JSON, 201,
     api_agents_enrol, enrolment, "Enrol an agent by a token; signed with the new key", false},
    {HTTP_POST, API_ROOT "/requests", AUTH_AGENT, false, LARGE, API_JSON, API_JSON, 201,
     api_requests_add, request, "Request a certificate; 200 where the id is known already", false},
    POST("/requests/{id}/outcome", AUTH_AGENT, 200, api_requests_outcome, outcome,
         "Tell what became of an issued certificate"),
    GET("/agents/self/work", AUTH_AGENT, API_JSON, api_work_get, none,
        "What waits for this agent: targets, a rescan, its requests"),
    POST("/agents/self/work/done", AUTH_AGENT, 200, api_work_done, rescan_done,
         "A rescan is done"),
    {HTTP_POST, API_ROOT "/certificates/missing", AUTH_AGENT, false, FINGERPRINTS, API_JSON, API_JSON,
     200, api_push_missing, fingerprints, "Which of these certificates are not stored yet?", false},
    {HTTP_POST, API_ROOT "/observations", AUTH_AGENT, false, PUSH_DECODED_MAX, API_NDJSON, API_JSON,
     200, api_push_observations, batch, "Store a batch: certificates, observations, summary", false},
};
const size_t api_routes_n = sizeof api_routes / sizeof api_routes[0];
