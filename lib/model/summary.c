/* The summary of a scan and its two accounts. See summary.h. */
#include "model/summary.h"

#include "model/json_member.h"

void model_account_add(struct model_account *a, enum model_outcome o) {
    a->by_outcome[(unsigned)o < MODEL_OUTCOME_COUNT ? o : MODEL_LOCAL]++;
}

static enum err check_account(const struct model_account *a, const char *name, struct fault *f) {
    uint64_t sum = 0;
    bool fits = true;
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++) {
        fits = fits && a->by_outcome[i] <= UINT64_MAX - sum;
        sum += a->by_outcome[i];
    }
    if (fits && sum == a->total)
        return ERR_OK;
    return fault_set(f, ERR_CONFLICT, name, "the total is %llu, the outcomes sum to %llu",
                     (unsigned long long)a->total, (unsigned long long)sum);
}

enum err model_summary_check(const struct model_summary *s, struct fault *f) {
    enum err e = check_account(&s->faces, "faces", f);
    return e != ERR_OK ? e : check_account(&s->endpoints, "endpoints", f);
}

static int64_t for_json(uint64_t n) {
    return n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

static void put_account(struct json *j, const char *key, const char *total, const char *parts,
                        const struct model_account *a) {
    json_object(j, key);
    json_int(j, total, for_json(a->total));
    json_object(j, parts);
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++)
        if (a->by_outcome[i] > 0)
            json_int(j, model_outcome_name((enum model_outcome)i), for_json(a->by_outcome[i]));
    json_end(j, '}');
    json_end(j, '}');
}

void model_summary_json(struct json *j, const char *key, const struct model_summary *s) {
    json_object(j, key);
    json_text(j, "type", "summary");
    json_bytes(j, "scan", s->scan);
    json_time(j, "time", s->time_s);
    json_int(j, "duration_ms", for_json(s->duration_ms));
    json_int(j, "targets", for_json(s->targets));
    json_int(j, "certificates", for_json(s->certificates));
    put_account(j, "faces", "tried", "outcomes", &s->faces);
    put_account(j, "endpoints", "total", "states", &s->endpoints);
    json_end(j, '}');
}

/* An outcome that is not known cannot be left out here: the account would not sum. */
static void read_parts(struct member *m, struct model_account *out) {
    const char *names[MODEL_OUTCOME_COUNT + 1] = {NULL};
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++) {
        names[i] = model_outcome_name((enum model_outcome)i);
        out->by_outcome[i] = member_number_or_null(m, names[i], INT64_MAX, NULL);
    }
    if (m->err == ERR_OK)
        m->err = json_only(m->object, names, m->fault);
}

static size_t read_account(struct member *m, const char *key, const char *total, const char *parts,
                           struct model_account *out) {
    const char *const known[] = {total, parts, NULL};
    struct member account, inner;
    member_demand(m, key, member_object_or_null(m, key, &account));
    if (m->err != ERR_OK)
        return 0;
    out->total = member_number(&account, total, INT64_MAX);
    member_demand(&account, parts, member_object_or_null(&account, parts, &inner));
    if (account.err == ERR_OK)
        read_parts(&inner, out);
    member_join(&account, &inner);
    member_join(m, &account);
    return member_unknown(&account, known);
}

enum err model_summary_read(struct arena *a, struct json_value v, struct model_summary *out,
                            struct fault *f) {
    static const char *const known[] = {"type",        "scan",      "time",
                                        "duration_ms", "targets",   "certificates",
                                        "faces",       "endpoints", NULL};
    struct member m = member_open(a, v, "summary", f);
    struct model_summary s = {.time_s = 0};
    s.scan = member_text(&m, "scan", MODEL_SCAN_ID_MAX);
    s.time_s = member_time(&m, "time");
    s.duration_ms = member_number(&m, "duration_ms", INT64_MAX);
    s.targets = member_number(&m, "targets", INT64_MAX);
    s.certificates = member_number(&m, "certificates", INT64_MAX);
    s.unknown_n += read_account(&m, "faces", "tried", "outcomes", &s.faces);
    s.unknown_n += read_account(&m, "endpoints", "total", "states", &s.endpoints);
    s.unknown_n += member_unknown(&m, known);
    if (m.err != ERR_OK)
        return m.err;
    *out = s;
    return model_summary_check(out, f);
}
