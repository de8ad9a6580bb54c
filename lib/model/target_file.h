/* The `targets` file, which people edit and keep in version control, and the
 * lists of the command line.
 *
 *   # comment, also behind a line
 *   default ports 8000-9000,9443          the list of targets without ports of their own
 *   exclude 198.51.100.7 [PORTS]          never looked at
 *   mail.example.com 443,465 protocol=smtp sni=mx.example.com
 *   198.51.100.0/24                       follows the default list
 *   10.0.0.0/8 443 yes-large              more than 2^20 addresses, knowingly
 *   "/srv/my certificates"                a path; "" is a quote within quotes
 *
 * One target a line; a key stands in one line only. Lines that nothing
 * changes keep their bytes, comments and order when the file is written again.
 * Hosts that are called `default` or `exclude` are written with a dot behind.
 * An excluded name is that name alone; the addresses that it leads to are excluded as
 * addresses. An excluded folder has with it what lies below it.
 */
#ifndef MODEL_TARGET_FILE_H
#define MODEL_TARGET_FILE_H

#include "model/target.h"

#include <stdio.h>

enum {
    MODEL_TARGETS_MAX = 100000,
    MODEL_EXCLUDED_MAX = 4096,
    MODEL_LIST_MAX = 100000,
    MODEL_FILE_MAX = 16 << 20
};

struct model_line; /* private: how each line was written */

/* Zero it, with the arena set, or let model_target_file_read do so. */
struct model_target_file {
    struct arena *arena;
    struct model_target *targets; /* in the order of the file */
    size_t targets_n;
    struct model_target *excluded;
    size_t excluded_n;
    struct model_ports default_ports; /* never empty */

    struct model_line *lines;
    size_t lines_n, lines_cap, targets_cap, excluded_cap;
    uint32_t *index; /* of targets by key */
    size_t index_cap;
};

/* An absent file is one without lines (file_exists tells). ERR_FORMAT names path, line and word. */
enum err model_target_file_read(struct arena *a, const char *path, struct model_target_file *out,
                                struct fault *f) MUST_CHECK;
/* The same from bytes; `name` is for messages. */
enum err model_target_file_parse(struct arena *a, struct bytes text, const char *name,
                                 struct model_target_file *out, struct fault *f) MUST_CHECK;
void model_target_file_write(const struct model_target_file *file, struct buf *out);
struct model_exclusions model_target_file_exclusions(const struct model_target_file *file);

/* Known targets: NULL where there is none. Pointers hold until the next change. */
struct model_target *model_target_file_find(const struct model_target_file *file, struct bytes key);
struct model_target *model_target_file_find_excluded(const struct model_target_file *file,
                                                     struct bytes key);
/* Adds, or replaces the one with the same key. ERR_LIMIT past MODEL_TARGETS_MAX. */
enum err model_target_file_put(struct model_target_file *file, const struct model_target *t,
                               struct fault *f) MUST_CHECK;
enum err model_target_file_put_excluded(struct model_target_file *file,
                                        const struct model_target *t, struct fault *f) MUST_CHECK;
/* False where the key is not there. */
bool model_target_file_remove(struct model_target_file *file, struct bytes key);
bool model_target_file_remove_excluded(struct model_target_file *file, struct bytes key);
/* Takes out all targets and exclusions marked is_gone, in one go: for many of them. */
void model_target_file_sweep(struct model_target_file *file);
/* The nine ports of model_ports_default need no line. */
enum err model_target_file_set_default(struct model_target_file *file,
                                       const struct model_ports *ports, struct fault *f) MUST_CHECK;

/* Items of a list: separated by commas and line ends, and by blanks unless they
 * may be part of one (paths). `@FILE` reads more of them, with # comments, `@-` from
 * `in` (NULL: refused); not nested. Appends; empty items are skipped, a list
 * without any is ERR_USAGE. */
struct model_items {
    struct bytes *items;
    size_t n, cap;
};
enum model_blanks { MODEL_BLANKS_SEPARATE, MODEL_BLANKS_BELONG };

enum err model_list_read(struct arena *a, struct bytes text, enum model_blanks blanks, FILE *in,
                         struct model_items *out, struct fault *f) MUST_CHECK;

#endif
