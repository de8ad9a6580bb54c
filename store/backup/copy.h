/* Copies of files, hashed on the way. Private to store/backup. */
#ifndef STORE_BACKUP_COPY_H
#define STORE_BACKUP_COPY_H

#include "store/backup/backup.h"

/* What a file, or its begin, was. */
struct copy_end {
    uint64_t size;
    uint8_t sha256[SHA256_SIZE];
};

/* Of the first `size` bytes; UINT64_MAX: of all. ERR_DAMAGED: there are fewer. */
enum err copy_hash(const char *path, uint64_t size, struct copy_end *out,
                   struct fault *f) MUST_CHECK;

/* The same, and the file stays open: what is copied then is what was hashed, whatever takes its
 * name meanwhile. */
struct copy_from {
    struct file file;
};
enum err copy_open(struct copy_from *from, const char *path, uint64_t size, struct copy_end *out,
                   struct fault *f) MUST_CHECK;
/* Makes `path` anew (mode 0600) of those bytes, durable but for its name. ERR_DAMAGED: they have
 * changed. */
enum err copy_to(const struct copy_from *from, const char *path, const struct copy_end *expected,
                 struct fault *f) MUST_CHECK;
void copy_close(struct copy_from *from);

#endif
