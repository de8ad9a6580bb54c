/* Private to the spool: its files, one by one. */
#ifndef APPLETS_ERS_SPOOL_FILES_H
#define APPLETS_ERS_SPOOL_FILES_H

#include "base/arena.h"
#include "base/buf.h"

struct spool_names {
    const char **items; /* in the arena; oldest first */
    size_t n;
};

/* The batches of a folder; none where there is no folder. */
enum err spool_list(struct arena *a, const char *folder, struct spool_names *out,
                    struct fault *f) MUST_CHECK;
/* Appends the unpacked NDJSON. ERR_DAMAGED where it is no gzip. */
enum err spool_read(const char *folder, const char *name, struct buf *text,
                    struct fault *f) MUST_CHECK;
enum err spool_write(const char *folder, const char *name, struct bytes text,
                     struct fault *f) MUST_CHECK;
enum err spool_remove(const char *folder, const char *name, struct fault *f) MUST_CHECK;
int64_t spool_id_time_s(const char *name);

#endif
