/* When each configured target was last passed over completely: a small file in
 * the agent's state, `passes`, one line a target: RFC 3339 time, blank, key.
 * A scan records, `ers discover --list` shows. Losing it loses no certificate. */
#ifndef MODEL_PASSES_H
#define MODEL_PASSES_H

#include "base/arena.h"
#include "base/buf.h"

struct model_pass {
    struct bytes key;
    int64_t time_s;
};

struct model_passes {
    struct model_pass *items; /* in byte order of the keys */
    size_t n;
};

/* Absent: none. ERR_DAMAGED names the line. */
enum err model_passes_read(struct arena *a, const char *path, struct model_passes *out,
                           struct fault *f) MUST_CHECK;
/* Replaces the file by `old` with all of `keys` set to time_s. One process at a
 * time: a scan holds its lock. */
enum err model_passes_record(const char *path, const struct model_passes *old,
                             const struct bytes *keys, size_t keys_n, int64_t time_s,
                             struct fault *f) MUST_CHECK;
/* False where the target was never passed over. */
bool model_passes_find(const struct model_passes *p, struct bytes key, int64_t *time_s);

#endif
