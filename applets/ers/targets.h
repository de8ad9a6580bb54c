/* Where the agent keeps what it is told to look at, and how it is read and replaced.
 *
 * Configuration and state are in the system's places (base/os.h), or with
 * --config DIR in DIR and DIR/state, so that a second agent touches nothing of the first.
 */
#ifndef APPLETS_ERS_TARGETS_H
#define APPLETS_ERS_TARGETS_H

#include "base/opt.h"
#include "base/os.h"
#include "model/model.h"

struct ers_places {
    const char *config, *state; /* folders */
    const char *targets;        /* file; need not exist */
    const char *passes;         /* file in the state */
    const char *remote;         /* file in the state: targets set at the server */
};

/* In the call's arena. ERR_NOT_FOUND where the system names no place. */
enum err ers_places_find(const struct opt_common *common, struct ers_places *out,
                         struct fault *f) MUST_CHECK;

/* What is scanned: the person's file, and behind it what was set at the server and
 * fetched by `ers sync` (is_remote), as far as the person's file does not have the same
 * target. Never to be saved. */
enum err ers_targets_read(const struct opt_common *common, const struct ers_places *places,
                          struct model_target_file *out, struct fault *f) MUST_CHECK;
/* Keeps the server's targets, lines of a targets file; none: forgets them. ERR_FORMAT
 * where they are none: nothing is changed. */
enum err ers_targets_keep_remote(const struct opt_common *common, const struct ers_places *places,
                                 struct bytes text, struct fault *f) MUST_CHECK;

/* The one writer of the targets file at a time: ERR_LOCKED while there is another.
 * Makes the folder where it is missing. */
enum err ers_targets_lock(const struct opt_common *common, const struct ers_places *places,
                          struct os_lock *lock, struct fault *f) MUST_CHECK;
/* Replaces the file atomically; the lock is held by the caller. */
enum err ers_targets_save(const struct ers_places *places, const struct model_target_file *file,
                          struct fault *f) MUST_CHECK;

/* `ers discover --list`: a table, or one object a line. */
enum err ers_targets_list(const struct env *env, const struct opt_common *common,
                          const struct ers_places *places, const struct model_target_file *file,
                          struct fault *f) MUST_CHECK;

/* 1001, but 256,256: numbers of five digits and more are grouped. Returns out. */
const char *ers_number(uint64_t n, char out[28]);

/* Members of a target's object: kind, key, ports, counts and so on. */
void ers_target_members(struct json *j, const struct model_target_file *file,
                        const struct model_target *t);

#endif
