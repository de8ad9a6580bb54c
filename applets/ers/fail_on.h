/* --fail-on of `ers scan` and `ers inspect`: which certificates make for exit status 6. */
#ifndef APPLETS_ERS_FAIL_ON_H
#define APPLETS_ERS_FAIL_ON_H

#include "base/opt.h"

struct fail_on {
    bool expired, expiring;
    uint64_t days; /* that count as expiring */
    bool matched;  /* set by fail_on_check */
};

/* Words "expired", "expiring" (30 days) and "expiring=45d". ERR_USAGE names a bad one. */
enum err fail_on_read(struct fail_on *out, const struct opt_list *words,
                      struct fault *f) MUST_CHECK;
void fail_on_check(struct fail_on *on, int64_t not_after_s, int64_t now_s);

#endif
