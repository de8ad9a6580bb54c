/* What a scan of the configured targets had done when it was interrupted: STATE/scan-done, for
 * `ers scan --resume`. Losing it makes the next scan look at everything, nothing else.
 *
 *   clm scan-done 1 SECONDS                 when that scan began, since 1970
 *   HOST:PORT PROTOCOL                      one line an endpoint, as in last-scan, in the order
 *   ...                                     in which they ended
 *
 * A line is written once the observations of its endpoint are safe in the spool, so also a scan
 * that was killed counts what it had. A last line that has no end is none. The file is there
 * only between an interrupted scan and the next one that ends by itself, or begins without
 * --resume.
 */
#ifndef APPLETS_ERS_DONE_H
#define APPLETS_ERS_DONE_H

#include "base/arena.h"
#include "base/file.h"

enum { DONE_VALID_S = 24 * 60 * 60 }; /* an older scan is not continued */

struct done {
    struct bytes *keys; /* in byte order */
    size_t n;
    int64_t begun_s; /* of the first of the scans */
};

/* Absent, too old, or not understood: none. All in the arena. */
enum err done_read(struct arena *a, const char *path, int64_t now_s, struct done *out,
                   struct fault *f) MUST_CHECK;
/* The same from bytes, which are borrowed. False: they are no such file. */
bool done_parse(struct arena *a, struct bytes text, struct done *out);
bool done_has(const struct done *d, struct bytes key);

struct done_writer {
    const char *path;
    int64_t begun_s;
    bool is_open;
    struct file file;
    uint64_t at;
    struct buf waiting; /* lines that are not written yet */
};

/* `before`: what is continued, n 0 for nothing; then what is there is removed. */
enum err done_begin(struct done_writer *w, const char *path, const struct done *before,
                    int64_t now_s, struct fault *f) MUST_CHECK;
void done_add(struct done_writer *w, struct bytes key);
/* Writes what waits. */
enum err done_flush(struct done_writer *w, struct fault *f) MUST_CHECK;
/* The scan is whole: nothing is to be continued. */
enum err done_remove(struct done_writer *w, struct fault *f) MUST_CHECK;
void done_close(struct done_writer *w);

#endif
