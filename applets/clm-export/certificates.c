/* Certificates as rows, by the end of their time. See parts.h. */
#include "applets/clm-export/parts.h"

#include "base/clock.h"

#include <string.h>

enum { DAY_S = 86400, ENDING_DAYS = 30 };

enum column {
    SHA256,
    SERIAL_NUMBER,
    STATE,
    NAME,
    SUBJECT,
    ISSUER,
    NOT_BEFORE,
    NOT_AFTER,
    DAYS_LEFT,
    KEY,
    SIGNATURE,
    NAMES,
    IS_CA,
    SELF_SIGNED,
    PARSED,
    FIRST_SEEN,
    LAST_SEEN,
    PLACES,
    SERVED,
    SERVICE,
    OWNER,
    MANAGED,
    REVOKED,
    SPKI_SHA256,
    COLUMNS
};

/* clang-format off */
static const struct export_column columns[COLUMNS] = {
    [SHA256]        = {"sha256",        "SHA-256",       EXPORT_IN_CSV},
    [SERIAL_NUMBER] = {"serial_number", "Serial number", EXPORT_IN_CSV},
    [STATE]         = {"state",         "State",         EXPORT_IN_HTML},
    [NAME]          = {"name",          "Name",          EXPORT_IN_ALL},
    [SUBJECT]       = {"subject",       "Subject",       EXPORT_IN_CSV},
    [ISSUER]        = {"issuer",        "Issuer",        EXPORT_IN_ALL},
    [NOT_BEFORE]    = {"not_before",    "Begins",        EXPORT_IN_CSV},
    [NOT_AFTER]     = {"not_after",     "Ends",          EXPORT_IN_ALL},
    [DAYS_LEFT]     = {"days_left",     "Days left",     EXPORT_IN_HTML | EXPORT_NUMBER},
    [KEY]           = {"key",           "Key",           EXPORT_IN_ALL},
    [SIGNATURE]     = {"signature",     "Signature",     EXPORT_IN_CSV},
    [NAMES]         = {"names",         "Names",         EXPORT_IN_CSV},
    [IS_CA]         = {"is_ca",         "CA",            EXPORT_IN_CSV},
    [SELF_SIGNED]   = {"self_signed",   "Self-signed",   EXPORT_IN_CSV},
    [PARSED]        = {"parsed",        "Readable",      EXPORT_IN_CSV},
    [FIRST_SEEN]    = {"first_seen",    "First seen",    EXPORT_IN_CSV},
    [LAST_SEEN]     = {"last_seen",     "Last seen",     EXPORT_IN_CSV},
    [PLACES]        = {"places",        "Places ever",   EXPORT_IN_CSV | EXPORT_NUMBER},
    [SERVED]        = {"served",        "Places",        EXPORT_IN_ALL | EXPORT_NUMBER},
    [SERVICE]       = {"service",       "Service",       EXPORT_IN_CSV},
    [OWNER]         = {"owner",         "Owner",         EXPORT_IN_HTML},
    [MANAGED]       = {"managed",       "Issued here",   0},
    [REVOKED]       = {"revoked",       "Revoked",       0},
    [SPKI_SHA256]   = {"spki_sha256",   "Key's SHA-256", EXPORT_IN_CSV},
};
/* clang-format on */

const char *export_cert_state(const struct export_run *run, const struct inventory_cert *cert,
                              const char **kind) {
    int64_t left_s = cert->not_after_s - run->as_of_s;
    *kind = "plain";
    if (cert->bad || !cert->has_not_after)
        return "unknown";
    *kind = "bad";
    if (cert->is_revoked)
        return "revoked";
    if (left_s < 0)
        return "expired";
    *kind = "soon";
    if (left_s < (int64_t)ENDING_DAYS * DAY_S)
        return "ending";
    *kind = "plain";
    if (cert->has_not_before && cert->not_before_s > run->as_of_s)
        return "future";
    *kind = "ok";
    return "valid";
}

static void put_time(struct cells *c, bool there, int64_t s) {
    if (there)
        cells_time(c, s);
    else
        cells_empty(c);
}

/* Empty: signed by a kind of key that is not checked here. */
static void put_self_signed(struct cells *c, enum x509_answer answer) {
    if (answer == X509_UNKNOWN)
        cells_empty(c);
    else
        cells_bool(c, answer == X509_YES);
}

static void put_state(struct export_run *run, const struct inventory_cert *cert) {
    const char *kind;
    const char *text = export_cert_state(run, cert, &kind);
    cells_mark(&run->cells, kind, text);
}

static void put_days(struct export_run *run, const struct inventory_cert *cert) {
    if (cert->has_not_after)
        cells_int(&run->cells, clock_days_between(run->as_of_s, cert->not_after_s));
    else
        cells_empty(&run->cells);
}

static void cell(struct export_run *run, size_t column, const void *row) {
    const struct inventory_cert *cert = row;
    struct cells *c = &run->cells;
    switch ((enum column)column) {
    case SHA256:
        cells_hex(c, bytes_of(cert->sha256, SHA256_SIZE));
        break;
    case SERIAL_NUMBER:
        cells_hex(c, cert->serial);
        break;
    case STATE:
        put_state(run, cert);
        break;
    case NAME:
        cells_bytes(c, cert->name);
        break;
    case SUBJECT:
        cells_bytes(c, cert->subject);
        break;
    case ISSUER:
        cells_bytes(c, cert->issuer);
        break;
    case NOT_BEFORE:
        put_time(c, cert->has_not_before, cert->not_before_s);
        break;
    case NOT_AFTER:
        put_time(c, cert->has_not_after, cert->not_after_s);
        break;
    case DAYS_LEFT:
        put_days(run, cert);
        break;
    case KEY:
        cells_bytes(c, cert->key);
        break;
    case SIGNATURE:
        cells_bytes(c, cert->signature_algorithm);
        break;
    case NAMES:
        cells_lines(c, cert->names);
        break;
    case IS_CA:
        cells_bool(c, cert->is_ca);
        break;
    case SELF_SIGNED:
        put_self_signed(c, cert->self_signed);
        break;
    case PARSED:
        cells_bool(c, !cert->bad);
        break;
    case FIRST_SEEN:
        export_ms(c, cert->first_seen_ms);
        break;
    case LAST_SEEN:
        export_ms(c, cert->last_seen_ms);
        break;
    case PLACES:
        cells_int(c, (int64_t)cert->places);
        break;
    case SERVED:
        cells_int(c, (int64_t)cert->served);
        break;
    case SERVICE:
        cells_hex(c, bytes_of(cert->service, INVENTORY_ID_SIZE));
        break;
    case OWNER:
        cells_bytes(c, cert->owner);
        break;
    case MANAGED:
        cells_bool(c, cert->is_issued);
        break;
    case REVOKED:
        cells_bool(c, cert->is_revoked);
        break;
    case SPKI_SHA256:
        cells_hex(c, bytes_of(cert->spki_sha256, cert->bad ? 0 : SHA256_SIZE));
        break;
    case COLUMNS:
        break;
    }
}

struct visiting {
    struct export_run *run;
    export_visit *visit;
    void *context;
};

static bool visit_cert(void *context, const struct inventory_cert *cert) {
    struct visiting *v = context;
    return v->visit(v->run, v->context, cert);
}

enum err export_each_cert(struct export_run *run, export_visit *visit, void *context,
                          struct fault *f) {
    struct visiting v = {run, visit, context};
    return inventory_certs_by_end(run->inv, run->where, visit_cert, &v, f);
}

static enum err walk(struct export_run *run, struct fault *f) {
    return export_each_cert(run, export_visit_row, NULL, f);
}

const struct export_kind export_certificates = {
    .name = "certificates",
    .type = "certificate",
    .rows = QUERY_CERTIFICATES,
    .columns = columns,
    .columns_n = COLUMNS,
    .cell = cell,
    .walk = walk,
};
