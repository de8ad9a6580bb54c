/* A certificate, its chain and its key, put where a service reads them.
 *
 * The files of a folder appear as one set: they are written into `.versions/ID` and
 * synced, then the link `.current` is turned to it in one step; cert.pem, chain.pem,
 * fullchain.pem and key.pem are links through `.current`. So a service that starts at
 * any moment, also after a crash in the middle, reads the old set or the new one. The
 * version before stays, to be put back. Where the system has no links (Windows) the four
 * files are replaced one by one, the key first; a crash between them is mended by the
 * next run, which installs the same request again.
 */
#ifndef APPLETS_ERS_INSTALL_H
#define APPLETS_ERS_INSTALL_H

#include "applets/ers/requests.h"

/* The folder can be made and written to. Nothing is left there. */
enum err install_check(const struct agent *a, const char *out, struct fault *f) MUST_CHECK;

/* pem and chain as the server gave them; the key is copied from its file. *before is the
 * version that was current, NULL for none. */
enum err install_set(const struct agent *a, const struct request *r, struct bytes pem,
                     struct bytes chain, const char **before, struct fault *f) MUST_CHECK;
/* Turns back to `before`. */
enum err install_undo(const struct agent *a, const struct request *r, const char *before,
                      struct fault *f) MUST_CHECK;

/* Versions but the current one and `before` go. What cannot go stays. */
void install_prune(const struct agent *a, const struct request *r, const char *before);

#endif
