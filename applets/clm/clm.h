/* clm under its own name: its few commands, which serve all applets.
 *
 * They print what the tables of base/opt.h hold (manual pages, completion) and what
 * was embedded at build.
 */
#ifndef APPLETS_CLM_CLM_H
#define APPLETS_CLM_CLM_H

#include "applets/applets.h"
#include "base/buf.h"

extern const struct opt_command clm_install, clm_man, clm_completion, clm_licenses;

/* An applet of that name, clm included; NULL: there is none. */
const struct opt_applet *clm_applet_named(const char *name);

/* A file that was embedded at build (web/gui/embed.c makes the table), gzip. */
struct clm_text {
    const char *name; /* of the file, without its folder */
    const uint8_t *packed;
    size_t packed_n, plain_n;
};
extern const struct clm_text clm_texts[];
extern const size_t clm_texts_n;
/* Appends the plain text; ERR_NOT_FOUND where none has this name. */
enum err clm_text_read(const char *name, struct buf *out, struct fault *f) MUST_CHECK;

/* Appends the page of an applet, or of one of its commands; `command` NULL: the applet's. */
void clm_man_page(struct buf *out, const struct opt_applet *applet,
                  const struct opt_command *command);

#endif
