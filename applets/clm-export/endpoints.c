/* Endpoints by host, and all observations in the order in which they were stored. */
#include "applets/clm-export/parts.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- Endpoints ---- */

enum endpoint_column {
    E_ENDPOINT,
    E_NETWORK,
    E_KIND,
    E_HOST,
    E_PORT,
    E_PATH,
    E_PROTOCOL,
    E_OUTCOME,
    E_FIRST_SEEN,
    E_LAST_SEEN,
    E_AGENT,
    E_FACES,
    E_SHA256,
    E_NAME,
    E_NOT_AFTER,
    E_COLUMNS
};

/* clang-format off */
static const struct export_column endpoint_columns[E_COLUMNS] = {
    [E_ENDPOINT]   = {"endpoint",   "Endpoint",    EXPORT_IN_CSV},
    [E_NETWORK]    = {"network",    "Network",     EXPORT_IN_ALL},
    [E_KIND]       = {"kind",       "Kind",        EXPORT_IN_CSV},
    [E_HOST]       = {"host",       "Host",        EXPORT_IN_ALL},
    [E_PORT]       = {"port",       "Port",        EXPORT_IN_ALL | EXPORT_NUMBER},
    [E_PATH]       = {"path",       "Path",        EXPORT_IN_ALL},
    [E_PROTOCOL]   = {"protocol",   "Protocol",    EXPORT_IN_ALL},
    [E_OUTCOME]    = {"outcome",    "Outcome",     EXPORT_IN_ALL},
    [E_FIRST_SEEN] = {"first_seen", "First seen",  EXPORT_IN_CSV},
    [E_LAST_SEEN]  = {"last_seen",  "Last seen",   EXPORT_IN_ALL},
    [E_AGENT]      = {"agent",      "Agent",       EXPORT_IN_ALL},
    [E_FACES]      = {"faces",      "Faces",       EXPORT_IN_CSV | EXPORT_NUMBER},
    [E_SHA256]     = {"sha256",     "SHA-256",     EXPORT_IN_CSV},
    [E_NAME]       = {"name",       "Certificate", EXPORT_IN_ALL},
    [E_NOT_AFTER]  = {"not_after",  "Ends",        EXPORT_IN_ALL},
};
/* clang-format on */

static void put_port(struct cells *c, enum model_kind kind, uint16_t port) {
    if (kind == MODEL_KIND_TLS)
        cells_int(c, port);
    else
        cells_empty(c);
}

static const char *protocol_of(enum model_kind kind, enum model_protocol protocol) {
    return kind == MODEL_KIND_TLS ? model_protocol_name(protocol) : NULL;
}

static void put_endpoint(struct export_run *run, size_t column, const void *row) {
    const struct inventory_endpoint *e = row;
    struct cells *c = &run->cells;
    switch ((enum endpoint_column)column) {
    case E_ENDPOINT:
        cells_hex(c, bytes_of(e->id, INVENTORY_ID_SIZE));
        break;
    case E_NETWORK:
        cells_bytes(c, e->place.network);
        break;
    case E_KIND:
        cells_text(c, model_kind_name(e->place.kind));
        break;
    case E_HOST:
        cells_bytes(c, e->place.host);
        break;
    case E_PORT:
        put_port(c, e->place.kind, e->place.port);
        break;
    case E_PATH:
        cells_bytes(c, e->place.path);
        break;
    case E_PROTOCOL:
        cells_text(c, protocol_of(e->place.kind, e->place.protocol));
        break;
    case E_OUTCOME:
        cells_text(c, model_outcome_name(e->outcome));
        break;
    case E_FIRST_SEEN:
        export_ms(c, e->first_seen_ms);
        break;
    case E_LAST_SEEN:
        export_ms(c, e->last_seen_ms);
        break;
    case E_AGENT:
        cells_bytes(c, e->agent_name);
        break;
    case E_FACES:
        cells_int(c, (int64_t)e->faces);
        break;
    case E_SHA256:
        cells_hex(c, bytes_of(e->leaf, e->has_leaf ? SHA256_SIZE : 0));
        break;
    case E_NAME:
        cells_bytes(c, e->leaf_name);
        break;
    case E_NOT_AFTER:
        if (e->leaf_has_not_after)
            cells_time(c, e->leaf_not_after_s);
        else
            cells_empty(c);
        break;
    case E_COLUMNS:
        break;
    }
}

static enum err read_endpoints(struct export_run *run, const struct inventory_query *q,
                               const void **rows, size_t *n, struct inventory_page *page,
                               struct fault *f) {
    struct inventory_endpoint *found = NULL;
    enum err code = inventory_endpoints(run->inv, q, &run->arena, &found, n, page, f);
    *rows = found;
    return code;
}

const struct export_list export_endpoint_list = {sizeof(struct inventory_endpoint), read_endpoints};

static enum err walk_endpoints(struct export_run *run, struct fault *f) {
    struct inventory_query q = {
        .sort = INVENTORY_BY_NAME, .limit = EXPORT_PAGE, .where = run->where, .uncounted = true};
    return export_each(run, &export_endpoint_list, q, export_visit_row, NULL, f);
}

const struct export_kind export_endpoints = {
    .name = "endpoints",
    .type = "endpoint",
    .rows = QUERY_ENDPOINTS,
    .columns = endpoint_columns,
    .columns_n = E_COLUMNS,
    .cell = put_endpoint,
    .walk = walk_endpoints,
};

/* ---- Observations ---- */

struct seen {
    const struct model_observation *o;
    const struct inventory_agent *agent; /* NULL: not known any more */
    const uint8_t *agent_id;
    int64_t stored_ms;
};

enum seen_column {
    S_TIME,
    S_STORED,
    S_AGENT,
    S_SCAN,
    S_TARGET,
    S_KIND,
    S_HOST,
    S_IP,
    S_PORT,
    S_PATH,
    S_PROTOCOL,
    S_SNI,
    S_ASKED,
    S_OUTCOME,
    S_STAGE,
    S_ALERT,
    S_DETAIL,
    S_DURATION_MS,
    S_TLS_VERSION,
    S_CIPHER_SUITE,
    S_GROUP,
    S_ALPN,
    S_CHAIN,
    S_CONTAINER,
    S_OWNER,
    S_OWNER_ID,
    S_MODE,
    S_MODIFIED,
    S_PRIVATE_KEYS,
    S_COLUMNS
};

/* clang-format off */
static const struct export_column seen_columns[S_COLUMNS] = {
    [S_TIME]         = {"time",         "Time",         EXPORT_IN_ALL},
    [S_STORED]       = {"stored",       "Stored",       EXPORT_IN_CSV},
    [S_AGENT]        = {"agent",        "Agent",        EXPORT_IN_ALL},
    [S_SCAN]         = {"scan",         "Scan",         EXPORT_IN_CSV},
    [S_TARGET]       = {"target",       "Target",       EXPORT_IN_CSV},
    [S_KIND]         = {"kind",         "Kind",         EXPORT_IN_CSV},
    [S_HOST]         = {"host",         "Host",         EXPORT_IN_ALL},
    [S_IP]           = {"ip",           "Address",      EXPORT_IN_ALL},
    [S_PORT]         = {"port",         "Port",         EXPORT_IN_ALL | EXPORT_NUMBER},
    [S_PATH]         = {"path",         "Path",         EXPORT_IN_CSV},
    [S_PROTOCOL]     = {"protocol",     "Protocol",     EXPORT_IN_ALL},
    [S_SNI]          = {"sni",          "SNI",          EXPORT_IN_CSV},
    [S_ASKED]        = {"asked",        "Asked",        EXPORT_IN_CSV},
    [S_OUTCOME]      = {"outcome",      "Outcome",      EXPORT_IN_ALL},
    [S_STAGE]        = {"stage",        "Stage",        EXPORT_IN_CSV},
    [S_ALERT]        = {"alert",        "Alert",        EXPORT_IN_CSV | EXPORT_NUMBER},
    [S_DETAIL]       = {"detail",       "Detail",       EXPORT_IN_ALL},
    [S_DURATION_MS]  = {"duration_ms",  "Milliseconds", EXPORT_IN_CSV | EXPORT_NUMBER},
    [S_TLS_VERSION]  = {"tls_version",  "TLS",          EXPORT_IN_ALL},
    [S_CIPHER_SUITE] = {"cipher_suite", "Cipher suite", EXPORT_IN_CSV},
    [S_GROUP]        = {"group",        "Group",        EXPORT_IN_CSV},
    [S_ALPN]         = {"alpn",         "ALPN",         EXPORT_IN_CSV},
    [S_CHAIN]        = {"chain",        "Chain",        EXPORT_IN_CSV},
    [S_CONTAINER]    = {"container",    "Container",    EXPORT_IN_CSV},
    [S_OWNER]        = {"owner",        "Owner",        EXPORT_IN_CSV},
    [S_OWNER_ID]     = {"owner_id",     "Owner's id",   EXPORT_IN_CSV},
    [S_MODE]         = {"mode",         "Mode",         EXPORT_IN_CSV},
    [S_MODIFIED]     = {"modified",     "Modified",     EXPORT_IN_CSV},
    [S_PRIVATE_KEYS] = {"private_keys", "Private keys", EXPORT_IN_CSV | EXPORT_NUMBER},
};
/* clang-format on */

static void put_chain(struct export_run *run, const struct model_observation *o) {
    struct buf text;
    buf_init(&text, (size_t)MODEL_CHAIN_MAX * 65);
    for (size_t i = 0; i < o->chain_n; i++) {
        if (i > 0)
            buf_u8(&text, '\n');
        hex_put(&text, bytes_of(o->chain[i].bytes, SHA256_SIZE));
    }
    if (text.err != ERR_OK && run->stream.chunk.err == ERR_OK)
        run->stream.chunk.err = text.err;
    cells_lines(&run->cells, buf_bytes(&text));
    buf_clear(&text);
}

static void put_agent(struct cells *c, const struct seen *s) {
    if (s->agent != NULL)
        cells_bytes(c, s->agent->name);
    else
        cells_hex(c, bytes_of(s->agent_id, INVENTORY_ID_SIZE));
}

/* Empty cells where it was no file, or nothing is known of it. */
static void put_file(struct cells *c, enum seen_column column, const struct model_observation *o) {
    const struct model_file_facts *f = &o->file;
    char mode[16] = "";
    if (f->mode >= 0)
        snprintf(mode, sizeof mode, "%04o", (unsigned)f->mode);
    if (!o->has_file || (column == S_OWNER_ID && f->owner_id < 0))
        cells_empty(c);
    else if (column == S_CONTAINER)
        cells_bytes(c, f->container);
    else if (column == S_OWNER)
        cells_bytes(c, f->owner);
    else if (column == S_OWNER_ID)
        cells_int(c, f->owner_id);
    else if (column == S_MODE)
        cells_text(c, mode);
    else if (column == S_MODIFIED)
        cells_time(c, f->modified_s);
    else
        cells_int(c, f->private_keys <= INT64_MAX ? (int64_t)f->private_keys : INT64_MAX);
}

static void put_seen(struct export_run *run, size_t column, const void *row) {
    const struct seen *s = row;
    const struct model_observation *o = s->o;
    struct cells *c = &run->cells;
    char ip[IP_TEXT_MAX];
    switch ((enum seen_column)column) {
    case S_TIME:
        cells_time(c, o->time_s);
        break;
    case S_STORED:
        cells_time(c, s->stored_ms / 1000);
        break;
    case S_AGENT:
        put_agent(c, s);
        break;
    case S_SCAN:
        cells_bytes(c, o->scan);
        break;
    case S_TARGET:
        cells_bytes(c, o->target);
        break;
    case S_KIND:
        cells_text(c, model_kind_name(o->kind));
        break;
    case S_HOST:
        cells_bytes(c, o->host);
        break;
    case S_IP:
        cells_text(c, ip_write(&o->ip, ip));
        break;
    case S_PORT:
        put_port(c, o->kind, o->port);
        break;
    case S_PATH:
        cells_bytes(c, o->path);
        break;
    case S_PROTOCOL:
        cells_text(c, protocol_of(o->kind, o->protocol));
        break;
    case S_SNI:
        cells_bytes(c, o->sni);
        break;
    case S_ASKED:
        cells_text(c, model_asked_name(o->asked));
        break;
    case S_OUTCOME:
        cells_text(c, model_outcome_name(o->outcome));
        break;
    case S_STAGE:
        cells_text(c, model_stage_name(o->stage));
        break;
    case S_ALERT:
        if (o->has_alert)
            cells_int(c, o->alert);
        else
            cells_empty(c);
        break;
    case S_DETAIL:
        cells_bytes(c, o->detail);
        break;
    case S_DURATION_MS:
        cells_int(c, (int64_t)o->duration_ms);
        break;
    case S_TLS_VERSION:
        cells_bytes(c, o->tls.version);
        break;
    case S_CIPHER_SUITE:
        cells_bytes(c, o->tls.cipher_suite);
        break;
    case S_GROUP:
        cells_bytes(c, o->tls.group);
        break;
    case S_ALPN:
        cells_bytes(c, o->tls.alpn);
        break;
    case S_CHAIN:
        put_chain(run, o);
        break;
    case S_CONTAINER:
    case S_OWNER:
    case S_OWNER_ID:
    case S_MODE:
    case S_MODIFIED:
    case S_PRIVATE_KEYS:
        put_file(c, (enum seen_column)column, o);
        break;
    case S_COLUMNS:
        break;
    }
}

/* What a query says of an observation. */
static bool give(query_take *take, void *context, struct bytes text) {
    struct query_value v = {.text = text};
    return text.n > 0 && take(context, &v);
}

static bool give_number(query_take *take, void *context, int64_t n) {
    struct query_value v = {.number = n};
    return take(context, &v);
}

static bool give_agent(const struct seen *s, query_take *take, void *context) {
    char hex[2 * INVENTORY_ID_SIZE + 1];
    hex_write(hex, bytes_of(s->agent_id, INVENTORY_ID_SIZE));
    return (s->agent != NULL && give(take, context, s->agent->name)) ||
           give(take, context, bytes_text(hex));
}

static bool give_any(const struct model_observation *o, query_take *take, void *context) {
    char ip[IP_TEXT_MAX];
    return give(take, context, o->host) || give(take, context, o->path) ||
           give(take, context, bytes_text(ip_write(&o->ip, ip))) || give(take, context, o->sni) ||
           give(take, context, o->target) || give(take, context, o->detail);
}

static bool give_chain(const struct model_observation *o, query_take *take, void *context) {
    for (size_t i = 0; i < o->chain_n; i++)
        if (give(take, context, bytes_of(o->chain[i].bytes, SHA256_SIZE)))
            return true;
    return false;
}

static bool values(const void *context, enum query_field field, bool is_hex, query_take *take,
                   void *to) {
    const struct seen *s = context;
    const struct model_observation *o = s->o;
    bool is_tls = o->kind == MODEL_KIND_TLS;
    switch (field) {
    case QUERY_ANY:
        return is_hex ? give_chain(o, take, to) : give_any(o, take, to);
    case QUERY_SHA256:
        return give_chain(o, take, to);
    case QUERY_HOST:
        return give(take, to, o->host) || give(take, to, o->path);
    case QUERY_IP:
        return give(take, to, bytes_of(o->ip.bytes, o->ip.size));
    case QUERY_PORT:
        return is_tls && give_number(take, to, o->port);
    case QUERY_PROTOCOL:
        return is_tls && give(take, to, bytes_text(model_protocol_name(o->protocol)));
    case QUERY_TLS:
        return o->has_tls && give(take, to, o->tls.version);
    case QUERY_OUTCOME:
        return give(take, to, bytes_text(model_outcome_name(o->outcome)));
    case QUERY_AGENT:
        return give_agent(s, take, to);
    case QUERY_NETWORK:
        return s->agent != NULL && give(take, to, s->agent->network);
    case QUERY_SEEN:
        return give_number(take, to, o->time_s);
    default:
        return false;
    }
}

static bool visit(void *context, const uint8_t *agent, int64_t stored_ms,
                  const struct model_observation *o) {
    struct export_run *run = context;
    struct inventory_agent a;
    struct fault ignored;
    struct seen s = {.o = o, .agent_id = agent, .stored_ms = stored_ms};
    struct query_row asked = {&s, values, NULL, NULL};
    arena_reset(&run->arena);
    if (inventory_agent_get(run->inv, agent, &run->arena, &a, &ignored) == ERR_OK)
        s.agent = &a;
    if (run->where != NULL && !query_holds(run->where, &asked))
        return true;
    if (run->columns_n > 0)
        return export_row(run, &s);
    struct json j = json_to(&run->stream.chunk); /* whole objects */
    model_observation_json(&j, NULL, o);
    buf_u8(&run->stream.chunk, '\n');
    run->rows++;
    return export_stream_step(&run->stream);
}

static enum err walk_observations(struct export_run *run, struct fault *f) {
    return inventory_observations(run->inv, visit, run, f);
}

const struct export_kind export_observations = {
    .name = "observations",
    .type = "observation",
    .rows = QUERY_OBSERVATIONS,
    .columns = seen_columns,
    .columns_n = S_COLUMNS,
    .cell = put_seen,
    .walk = walk_observations,
};
