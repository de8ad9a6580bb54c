/* Files, whole and by parts, with UTF-8 names on every system (on libuv's
 * synchronous calls). What libuv lacks is in os.h.
 *
 * Every failure fills the fault with the call and the path.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/arena.h"
#include "base/buf.h"

/* Appends the file's content to out; ERR_LIMIT past out's maximum. */
enum err file_read(const char *path, struct buf *out, struct fault *f) MUST_CHECK;

/* Replaces or makes the file so that after a crash there is the old or the new
 * one, whole: temporary name beside it, write, sync, rename, sync of the folder. */
enum err file_replace(const char *path, struct bytes content, int mode, struct fault *f) MUST_CHECK;
/* The same with exactly these permissions, whatever the umask, and for that owner (base/os.h;
 * NULL: ours). It has both before it has its name. */
struct os_owner;
enum err file_replace_as(const char *path, struct bytes content, int mode,
                         const struct os_owner *owner, struct fault *f) MUST_CHECK;

/* Makes the folder, and those above it with mode 0755; an existing one is left as it is. */
enum err dir_make(const char *path, int mode, struct fault *f) MUST_CHECK;
enum err file_remove(const char *path, struct fault *f) MUST_CHECK; /* absent: ERR_OK */
/* One folder with exactly these permissions, whatever the umask; one that is there gets them.
 * A link in its place is refused. */
enum err dir_make_as(const char *path, int mode, struct fault *f) MUST_CHECK;
enum err dir_remove(const char *path,
                    struct fault *f) MUST_CHECK; /* an empty one; absent: ERR_OK */

/* Makes `path` a symbolic link, in one step also where there is a file or link already.
 * `target` is relative to it. ERR_UNSUPPORTED where os_has_links is not. */
enum err file_link(const char *target, const char *path, struct fault *f) MUST_CHECK;
/* Where a link leads, in the arena; NULL: it is none, or not there. */
char *file_link_read(struct arena *a, const char *path);
/* A second name (hard link) for a file, links not followed. ERR_EXISTS: the name is in use. */
enum err file_name_again(const char *path, const char *name, struct fault *f) MUST_CHECK;
bool file_exists(const char *path);

/* An entry of a folder; false ends the walk. */
typedef bool dir_visit(void *context, const char *name, bool is_dir);
/* Names in byte order. ERR_NOT_FOUND where there is no such folder. */
enum err dir_list(const char *path, dir_visit *visit, void *context, struct fault *f) MUST_CHECK;

/* dir/name in the arena; NULL when the arena is full. */
char *path_join(struct arena *a, const char *dir, const char *name);
/* The full path of what exists, links resolved, in the arena. NULL: there is nothing. */
char *path_full(struct arena *a, const char *path);
/* The part after the last slash (either slash). Borrowed. */
const char *path_base(const char *path);

/* An open file by parts; positions are explicit, so that threads may share it. */
enum file_how { FILE_READ, FILE_APPEND /* made if absent, mode 0600 */ };

struct file {
    int fd; /* libuv's; -1 when closed */
};

enum err file_open(struct file *file, const char *path, enum file_how how,
                   struct fault *f) MUST_CHECK;
void file_close(struct file *file);
enum err file_size(const struct file *file, uint64_t *size, struct fault *f) MUST_CHECK;
/* Reads exactly n bytes at `at`; fewer there are ERR_DAMAGED. */
enum err file_read_at(const struct file *file, uint64_t at, uint8_t *out, size_t n,
                      struct fault *f) MUST_CHECK;
/* Writes all of them. */
enum err file_write_at(const struct file *file, uint64_t at, struct bytes b,
                       struct fault *f) MUST_CHECK;
enum err file_sync(const struct file *file,
                   struct fault *f) MUST_CHECK; /* data and size are on the disk */
enum err file_truncate(const struct file *file, uint64_t size, struct fault *f) MUST_CHECK;

/* What one of libuv's codes (negative) means, for those who call it themselves. */
enum err file_fault(struct fault *f, int status, const char *what, const char *path);

#endif
