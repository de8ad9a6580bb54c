/* The last line of a scan: two accounts that must sum.
 *
 *   {"type":"summary","scan":"id","time":"...Z","duration_ms":1,"targets":1,"certificates":1,
 *    "faces":{"tried":3,"outcomes":{"ok":2,"refused":1}},
 *    "endpoints":{"total":2,"states":{"ok":1,"refused":1}}}
 *
 * Each face tried has one outcome; each endpoint has one state, the outcome of
 * its best face. Retries are not counted. Outcomes of count 0 are left out.
 */
#ifndef MODEL_SUMMARY_H
#define MODEL_SUMMARY_H

#include "model/observation.h"

struct model_account {
    uint64_t total;
    uint64_t by_outcome[MODEL_OUTCOME_COUNT];
};

struct model_summary {
    struct bytes scan;
    int64_t time_s; /* of its end */
    uint64_t duration_ms;
    uint64_t targets, certificates; /* certificates: different ones */
    struct model_account faces, endpoints;
    size_t unknown_n; /* as in model_observation */
};

/* One more with this outcome. `total` is counted apart, by whoever starts a face
 * or unfolds an endpoint: that is what makes the check worth something. */
void model_account_add(struct model_account *a, enum model_outcome o);
/* ERR_CONFLICT names the account, its total and its sum. */
enum err model_summary_check(const struct model_summary *s, struct fault *f) MUST_CHECK;

void model_summary_json(struct json *j, const char *key, const struct model_summary *s);
/* ERR_FORMAT (fault: the member); ERR_CONFLICT where an account does not sum. */
enum err model_summary_read(struct arena *a, struct json_value v, struct model_summary *out,
                            struct fault *f) MUST_CHECK;

#endif
