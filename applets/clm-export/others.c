/* Agents, services, requests and the audit trail as rows. */
#include "applets/clm-export/parts.h"

#include <string.h>

/* ---- Agents ---- */

enum agent_column {
    A_ID,
    A_NAME,
    A_NETWORK,
    A_STATE,
    A_SYSTEM,
    A_VERSION,
    A_ENROLLED,
    A_LAST_SCAN,
    A_PASSES,
    A_ENDPOINTS,
    A_KEY_SHA256,
    A_COLUMNS
};

/* clang-format off */
static const struct export_column agent_columns[A_COLUMNS] = {
    [A_ID]         = {"id",         "Id",           EXPORT_IN_CSV},
    [A_NAME]       = {"name",       "Name",         EXPORT_IN_ALL},
    [A_NETWORK]    = {"network",    "Network",      EXPORT_IN_ALL},
    [A_STATE]      = {"state",      "State",        EXPORT_IN_ALL},
    [A_SYSTEM]     = {"system",     "System",       EXPORT_IN_ALL},
    [A_VERSION]    = {"version",    "Version",      EXPORT_IN_ALL},
    [A_ENROLLED]   = {"enrolled",   "Enrolled",     EXPORT_IN_ALL},
    [A_LAST_SCAN]  = {"last_scan",  "Last scan",    EXPORT_IN_ALL},
    [A_PASSES]     = {"passes",     "Whole passes", EXPORT_IN_ALL | EXPORT_NUMBER},
    [A_ENDPOINTS]  = {"endpoints",  "Endpoints",    EXPORT_IN_ALL | EXPORT_NUMBER},
    [A_KEY_SHA256] = {"key_sha256", "Key's SHA-256", EXPORT_IN_CSV},
};
/* clang-format on */

static void put_agent(struct export_run *run, size_t column, const void *row) {
    const struct inventory_agent *a = row;
    struct cells *c = &run->cells;
    switch ((enum agent_column)column) {
    case A_ID:
        cells_hex(c, bytes_of(a->id, INVENTORY_ID_SIZE));
        break;
    case A_NAME:
        cells_bytes(c, a->name);
        break;
    case A_NETWORK:
        cells_bytes(c, a->network);
        break;
    case A_STATE:
        cells_text(c, a->disabled ? "disabled" : "active");
        break;
    case A_SYSTEM:
        cells_bytes(c, a->system);
        break;
    case A_VERSION:
        cells_bytes(c, a->version);
        break;
    case A_ENROLLED:
        export_ms(c, a->enrolled_ms);
        break;
    case A_LAST_SCAN:
        export_ms(c, a->scan_ms);
        break;
    case A_PASSES:
        cells_int(c, (int64_t)a->passes);
        break;
    case A_ENDPOINTS:
        cells_int(c, (int64_t)a->endpoints);
        break;
    case A_KEY_SHA256:
        cells_hex(c, bytes_of(a->key_id, SHA256_SIZE));
        break;
    case A_COLUMNS:
        break;
    }
}

static enum err read_agents(struct export_run *run, const struct inventory_query *q,
                            const void **rows, size_t *n, struct inventory_page *page,
                            struct fault *f) {
    struct inventory_agent *found = NULL;
    enum err code = inventory_agents(run->inv, q, &run->arena, &found, n, page, f);
    *rows = found;
    return code;
}

static const struct export_list agent_list = {sizeof(struct inventory_agent), read_agents};

static enum err walk_agents(struct export_run *run, struct fault *f) {
    struct inventory_query q = {
        .sort = INVENTORY_BY_NAME, .limit = INVENTORY_PAGE_MAX, .where = run->where};
    return export_each(run, &agent_list, q, export_visit_row, NULL, f);
}

const struct export_kind export_agents = {
    .name = "agents",
    .type = "agent",
    .rows = QUERY_AGENTS,
    .columns = agent_columns,
    .columns_n = A_COLUMNS,
    .cell = put_agent,
    .walk = walk_agents,
};

/* ---- Services ---- */

enum service_column { V_ID, V_OWNER, V_TAGS, V_NOTES, V_CERTIFICATES, V_COLUMNS };

/* clang-format off */
static const struct export_column service_columns[V_COLUMNS] = {
    [V_ID]           = {"id",           "Service",      EXPORT_IN_ALL},
    [V_OWNER]        = {"owner",        "Owner",        EXPORT_IN_ALL},
    [V_TAGS]         = {"tags",         "Tags",         EXPORT_IN_ALL},
    [V_NOTES]        = {"notes",        "Notes",        EXPORT_IN_ALL},
    [V_CERTIFICATES] = {"certificates", "Certificates", EXPORT_IN_ALL | EXPORT_NUMBER},
};
/* clang-format on */

static void put_tags(struct export_run *run, const struct inventory_service *s) {
    buf_reset(&run->line);
    for (size_t i = 0; i < s->tags_n; i++) {
        if (i > 0)
            buf_u8(&run->line, '\n');
        buf_put(&run->line, s->tags[i]);
    }
    cells_lines(&run->cells, buf_bytes(&run->line));
}

static void put_service(struct export_run *run, size_t column, const void *row) {
    const struct inventory_service *s = row;
    struct cells *c = &run->cells;
    switch ((enum service_column)column) {
    case V_ID:
        cells_hex(c, bytes_of(s->id, INVENTORY_ID_SIZE));
        break;
    case V_OWNER:
        cells_bytes(c, s->owner);
        break;
    case V_TAGS:
        put_tags(run, s);
        break;
    case V_NOTES:
        cells_bytes(c, s->notes);
        break;
    case V_CERTIFICATES:
        cells_int(c, (int64_t)s->certificates);
        break;
    case V_COLUMNS:
        break;
    }
}

static bool visit_service(void *context, const struct inventory_service *service) {
    return export_row(context, service);
}

static enum err walk_services(struct export_run *run, struct fault *f) {
    return inventory_services(run->inv, run->where, visit_service, run, f);
}

const struct export_kind export_services = {
    .name = "services",
    .type = "service",
    .rows = QUERY_SERVICES,
    .columns = service_columns,
    .columns_n = V_COLUMNS,
    .cell = put_service,
    .walk = walk_services,
};

/* ---- Requests ---- */

enum request_column {
    R_ID,
    R_STATE,
    R_AGENT,
    R_PROFILE,
    R_SUBJECT,
    R_NAMES,
    R_KEY,
    R_CREATED,
    R_DECIDED,
    R_DECIDED_BY,
    R_REASON,
    R_SHA256,
    R_ISSUED,
    R_SERVED,
    R_COLUMNS
};

/* clang-format off */
static const struct export_column request_columns[R_COLUMNS] = {
    [R_ID]         = {"id",         "Id",         EXPORT_IN_CSV},
    [R_STATE]      = {"state",      "State",      EXPORT_IN_ALL},
    [R_AGENT]      = {"agent",      "Agent",      EXPORT_IN_ALL},
    [R_PROFILE]    = {"profile",    "Profile",    EXPORT_IN_ALL},
    [R_SUBJECT]    = {"subject",    "Subject",    EXPORT_IN_CSV},
    [R_NAMES]      = {"names",      "Names",      EXPORT_IN_ALL},
    [R_KEY]        = {"key",        "Key",        EXPORT_IN_ALL},
    [R_CREATED]    = {"created",    "Asked",      EXPORT_IN_ALL},
    [R_DECIDED]    = {"decided",    "Decided",    EXPORT_IN_ALL},
    [R_DECIDED_BY] = {"decided_by", "Decided by", EXPORT_IN_ALL},
    [R_REASON]     = {"reason",     "Reason",     EXPORT_IN_ALL},
    [R_SHA256]     = {"sha256",     "SHA-256",    EXPORT_IN_CSV},
    [R_ISSUED]     = {"issued",     "Issued",     EXPORT_IN_CSV},
    [R_SERVED]     = {"served",     "Served",     EXPORT_IN_ALL},
};
/* clang-format on */

static void put_request(struct export_run *run, size_t column, const void *row) {
    const struct inventory_request *r = row;
    struct cells *c = &run->cells;
    switch ((enum request_column)column) {
    case R_ID:
        cells_hex(c, bytes_of(r->id, INVENTORY_ID_SIZE));
        break;
    case R_STATE:
        cells_text(c, inventory_request_state_name(r->state));
        break;
    case R_AGENT:
        cells_bytes(c, r->agent_name);
        break;
    case R_PROFILE:
        cells_bytes(c, r->profile);
        break;
    case R_SUBJECT:
        cells_bytes(c, r->subject);
        break;
    case R_NAMES:
        cells_lines(c, r->names);
        break;
    case R_KEY:
        cells_bytes(c, r->key);
        break;
    case R_CREATED:
        export_ms(c, r->created_ms);
        break;
    case R_DECIDED:
        export_ms(c, r->decided_ms);
        break;
    case R_DECIDED_BY:
        cells_bytes(c, r->decided_by);
        break;
    case R_REASON:
        cells_bytes(c, r->reason);
        break;
    case R_SHA256:
        cells_hex(c, bytes_of(r->cert, r->has_cert ? SHA256_SIZE : 0));
        break;
    case R_ISSUED:
        export_ms(c, r->issued_ms);
        break;
    case R_SERVED:
        cells_bool(c, r->served);
        break;
    case R_COLUMNS:
        break;
    }
}

static enum err read_requests(struct export_run *run, const struct inventory_query *q,
                              const void **rows, size_t *n, struct inventory_page *page,
                              struct fault *f) {
    struct inventory_request *found = NULL;
    enum err code = inventory_requests(run->inv, q, &run->arena, &found, n, page, f);
    *rows = found;
    return code;
}

static const struct export_list request_list = {sizeof(struct inventory_request), read_requests};

static enum err walk_requests(struct export_run *run, struct fault *f) {
    struct inventory_query q = {.limit = EXPORT_PAGE, .where = run->where, .uncounted = true};
    return export_each(run, &request_list, q, export_visit_row, NULL, f);
}

const struct export_kind export_requests = {
    .name = "requests",
    .type = "request",
    .rows = QUERY_REQUESTS,
    .columns = request_columns,
    .columns_n = R_COLUMNS,
    .cell = put_request,
    .walk = walk_requests,
};

/* ---- The audit trail ---- */

enum act_column { T_TIME, T_ACTOR, T_VERB, T_OBJECT, T_DETAIL, T_COLUMNS };

/* clang-format off */
static const struct export_column act_columns[T_COLUMNS] = {
    [T_TIME]   = {"time",   "Time",   EXPORT_IN_ALL},
    [T_ACTOR]  = {"actor",  "Who",    EXPORT_IN_ALL},
    [T_VERB]   = {"verb",   "Act",    EXPORT_IN_ALL},
    [T_OBJECT] = {"object", "Object", EXPORT_IN_ALL},
    [T_DETAIL] = {"detail", "Detail", EXPORT_IN_ALL},
};
/* clang-format on */

static void put_act(struct export_run *run, size_t column, const void *row) {
    const struct inventory_audit *act = row;
    struct cells *c = &run->cells;
    switch ((enum act_column)column) {
    case T_TIME:
        export_ms(c, act->time_ms);
        break;
    case T_ACTOR:
        cells_bytes(c, act->actor);
        break;
    case T_VERB:
        cells_bytes(c, act->verb);
        break;
    case T_OBJECT:
        cells_bytes(c, act->object);
        break;
    case T_DETAIL:
        cells_bytes(c, act->detail);
        break;
    case T_COLUMNS:
        break;
    }
}

static bool visit_act(void *context, const struct inventory_audit *act) {
    return export_row(context, act);
}

static enum err walk_acts(struct export_run *run, struct fault *f) {
    return inventory_audits(run->inv, visit_act, run, f);
}

const struct export_kind export_audit = {
    .name = "audit",
    .type = "audit",
    .columns = act_columns,
    .columns_n = T_COLUMNS,
    .cell = put_act,
    .walk = walk_acts,
};
