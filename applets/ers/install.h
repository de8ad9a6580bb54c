/* A certificate, its chain and its key, put where a service reads them.
 *
 *   OUT/.versions/ID/    key.pem, cert.pem, chain.pem, fullchain.pem of one request
 *   OUT/.current         link to .versions/ID
 *   OUT/key.pem ...      links to .current/key.pem ..., made once
 *
 * So the four appear as one set: the files of a version are complete and synced before
 * `.current` is turned to it, which is one rename. Whoever opens the files at any moment,
 * also after a crash in the middle, gets the old set or the new one. Before the first
 * turn the links lead nowhere: there is no file yet, which is the old set.
 *
 * Files that lay there before are taken over: they get second names in `.versions/before-N`,
 * `.current` is turned to these, and then each is replaced by its link; at every step each
 * name has its old content. They are never removed. Links of somebody else are refused.
 *
 * With the format pkcs12 there is a fifth, cert.p12: key, certificate and chain under the
 * friendly name of the first name. Its password is the first line of --password-file, read at
 * each installation; without that option one of 32 random characters is made once, in
 * OUT/cert.p12.password, with the mode and owner of the key, and stays for all renewals. A
 * cert.p12 that was there stays where the format becomes another.
 *
 * The key is made in its version, and is nowhere else but in cert.p12. OUT should be writable only
 * to root and whoever the certificate is for.
 *
 * Windows: links need a right that services lack. There `.current` is a file with the ID,
 * written when the version is complete, and then the four files are replaced, the key last;
 * a crash in between is mended by the next run, which copies them again (install_settle).
 */
#ifndef APPLETS_ERS_INSTALL_H
#define APPLETS_ERS_INSTALL_H

#include "applets/ers/requests.h"

/* Makes the folders and writes the key of a new request. Whatever would keep an
 * installation from being done is found now: no right to write, an unknown owner, links. */
enum err install_begin(const struct agent *a, const struct request *r,
                       const struct signing_key *key, struct fault *f) MUST_CHECK;
bool install_has_key(const struct agent *a, const struct request *r);
enum err install_key(const struct agent *a, const struct request *r, struct signing_key **out,
                     struct fault *f) MUST_CHECK;

/* What was issued, PEM. The set becomes current. *before is the version to go back to, NULL for
 * none. May be done again after a crash. */
enum err install_set(const struct agent *a, const struct request *r, struct bytes cert,
                     struct bytes chain, const char **before, struct fault *f) MUST_CHECK;
/* Turns back to `before`. */
enum err install_undo(const struct agent *a, const struct request *r, const char *before,
                      struct fault *f) MUST_CHECK;

/* Is this certificate the current one there? */
bool install_has(const struct agent *a, const struct request *r, const char *sha256);
/* Ends what a crash left half done, where there are no links. */
enum err install_settle(const struct agent *a, const struct request *r, struct fault *f) MUST_CHECK;
/* Versions but the current one and that of r->id go. What cannot go stays. */
void install_prune(const struct agent *a, const struct request *r);
/* The version of r->id goes, unless it is the current one. */
void install_drop(const struct agent *a, const struct request *r);

#endif
