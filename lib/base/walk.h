/* Walking folders: each file that is found there is told, with what is known of it
 * without opening it, and so is all that was left out, with its reason.
 *
 * Order: names of a folder in byte order. Links to files are followed, and told under the
 * link's name. Links to folders are followed behind all others, so that a file has the
 * name that it has without them. A folder is entered once, also over several runs of
 * one walk: no loop of links goes round. Folders of other file systems than that of the
 * start are not entered (/proc, /sys, mounts): who wants them walked names them.
 *
 * In memory at any time: the names of one folder and of those above it, and the number of
 * each folder that was entered. Names are UTF-8 on Windows, bytes elsewhere.
 * One thread at a time.
 */
#ifndef BASE_WALK_H
#define BASE_WALK_H

#include "base/buf.h"

enum walk_what {
    WALK_FILE,      /* a regular file */
    WALK_SPECIAL,   /* a FIFO, socket or device */
    WALK_AGAIN,     /* a folder that was entered before: a loop, or a second way to it */
    WALK_ELSEWHERE, /* a folder of another file system */
    WALK_DANGLING,  /* a link to nothing, or round in a circle */
    WALK_LIMIT,     /* beyond a limit: the fault tells which */
    WALK_FAILED,    /* the system did not let us look: the fault tells why */
    WALK_WHAT_COUNT
};

/* "a FIFO, socket or device"; for people. Never NULL. */
const char *walk_what_text(enum walk_what what);

struct walk_facts {
    uint64_t size_bytes;
    int64_t modified_s;
    unsigned mode; /* the lowest twelve bits, as chmod(2) knows them */
    int64_t user_id, group_id;
};

struct walk_item { /* all borrowed for the call */
    enum walk_what what;
    const char *path; /* the start's as given, and what lies below it */
    bool is_link;
    struct walk_facts facts;   /* WALK_FILE: of what a link leads to */
    const struct fault *fault; /* WALK_LIMIT, WALK_FAILED */
};

/* False ends the walk. */
typedef bool walk_visit(void *context, const struct walk_item *item);

struct walk_limits {
    unsigned depth;   /* folders within each other */
    size_t names;     /* in one folder */
    uint64_t entries; /* in one run */
    /* False: this folder is left out, and not told. NULL: all are entered. The start is
     * not asked for. */
    bool (*may_enter)(void *context, const char *path);
    void *context;
};

struct walk_limits walk_limits_default(void); /* 64; 262,144; 10,000,000 */

struct walk;
enum err walk_open(const struct walk_limits *limits, struct walk **out, struct fault *f) MUST_CHECK;
void walk_close(struct walk *w); /* NULL allowed */

/* Tells what `path` is, or where it is a folder what lies in it. ERR_INTERRUPTED: `visit`
 * returned false. Where the start itself cannot be looked at, nothing is told: the
 * fault says why (ERR_NOT_FOUND, ERR_PERMISSION, ...). ERR_MEMORY. */
enum err walk_run(struct walk *w, const char *path, walk_visit *visit, void *context,
                  struct fault *f) MUST_CHECK;

/* Was this folder entered? */
bool walk_has_entered(const struct walk *w, const char *folder);

/* A link as c_rehash and `openssl rehash` make them, "a94d09e5.0": an index of the
 * folder that it stands in, and no place of its own. */
bool walk_is_index_link(const struct walk_item *item);

/* Reads a regular file, and tells of that which was read. Never waits for a FIFO that has
 * taken its place: ERR_UNSUPPORTED for what is no regular file. ERR_LIMIT past out's
 * maximum, with that much of it read. */
enum err walk_read(const char *path, struct buf *out, struct walk_facts *facts,
                   struct fault *f) MUST_CHECK;

/* Is it a folder, perhaps through a link? */
bool walk_is_folder(const char *path);

/* Is anything there, itself perhaps a link to nothing? ERR_NOT_FOUND: no; else why that
 * cannot be told. */
enum err walk_find(const char *path, struct fault *f) MUST_CHECK;

#endif
