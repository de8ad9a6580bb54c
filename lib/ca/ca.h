/* Authorities that issue certificates, behind one small interface.
 *
 * An authority is a row: what a new kind (ACME, EST) has to bring. The built-in one has
 * its own issuing key, below the server's root. Nothing is remembered here: requests,
 * what was issued and what was revoked are entries of the caller's log, and approval is
 * the caller's affair. An open authority is not changed by its calls: any thread.
 *
 *   profile.h  profiles, and whether a request fits one
 */
#ifndef CA_CA_H
#define CA_CA_H

#include "ca/profile.h"

enum {
    CA_CHAIN_MAX = 4,
    CA_ISSUER_DAYS = 5 * 365, /* of the built-in authority, or until its root ends */
    CA_CRL_DAYS = 7,          /* a list is good for; a new one is made daily and at revocations */
};

/* All in the caller's arena. */
struct ca_issued {
    struct bytes certificate;         /* DER */
    struct bytes chain[CA_CHAIN_MAX]; /* above it, the issuer first, without the root */
    size_t chain_n;
    struct bytes root; /* empty where it is not known */
};

struct ca_settings {
    const char *folder;         /* where the authority's own files lie */
    struct x509_names crl_urls; /* that certificates point to; may be empty. Copied */
    struct x509_names issuer_urls;
};

struct ca_authority {
    const char *name;    /* in settings: "builtin" */
    const char *summary; /* one line, no full stop */
    enum err (*open)(const struct ca_settings *settings, void **state, struct fault *f);
    void (*close)(void *state);
    struct bytes (*certificate)(const void *state);
    struct bytes (*root)(const void *state);
    enum err (*issue)(const void *state, const struct env *env, struct arena *a,
                      const struct x509_request *request, const struct ca_profile *profile,
                      int64_t now_s, struct ca_issued *out, struct fault *f);
    enum err (*revoke)(const void *state, const struct env *env, struct bytes certificate,
                       enum x509_reason reason, int64_t now_s, struct fault *f);
    enum err (*crl)(const void *state, const struct env *env, const struct x509_revoked *revoked,
                    size_t revoked_n, uint64_t number, int64_t now_s, struct buf *out,
                    struct fault *f);
};
/* Row i, from 0; NULL past the last. */
const struct ca_authority *ca_authority_row(size_t i);

struct ca;

/* Opens the authority of this name. ERR_NOT_FOUND: no such row, or its files are missing. */
enum err ca_open(struct bytes name, const struct ca_settings *settings, struct ca **out,
                 struct fault *f) MUST_CHECK;
void ca_close(struct ca *ca); /* wipes its keys */

const struct ca_authority *ca_kind(const struct ca *ca);
/* DER of the certificate that issues; borrowed. Empty where it is not known. */
struct bytes ca_certificate(const struct ca *ca);
/* The same of the root that its chains end in. */
struct bytes ca_root(const struct ca *ca);

/* Issues for a request. All of ca_match is done again here: a request outside of the
 * profile is ERR_PERMISSION, f->what the rule, the detail its text. env gives the serial
 * number's randomness. A certificate never outlives its issuer; one whose issuer has
 * ended is ERR_CONFLICT. ERR_BUSY: the authority is at it, ask again with the same
 * request (never the built-in one). */
enum err ca_issue(const struct ca *ca, const struct env *env, struct arena *a,
                  const struct x509_request *request, const struct ca_profile *profile,
                  int64_t now_s, struct ca_issued *out, struct fault *f) MUST_CHECK;

/* Tells the authority that a certificate (DER) is revoked. The built-in one checks that
 * it is of its making (else ERR_NOT_FOUND) and that its lists can say the reason (else
 * ERR_USAGE); the caller's log then has the entry, and the next list the serial. */
enum err ca_revoke(const struct ca *ca, const struct env *env, struct bytes certificate,
                   enum x509_reason reason, int64_t now_s, struct fault *f) MUST_CHECK;

/* Appends the DER of the revocation list for what the caller's log says is revoked. The
 * number grows with every list: that of the log's newest entry, or now_s, serve.
 * ERR_UNSUPPORTED where the authority publishes its own. */
enum err ca_crl(const struct ca *ca, const struct env *env, const struct x509_revoked *revoked,
                size_t revoked_n, uint64_t number, int64_t now_s, struct buf *out,
                struct fault *f) MUST_CHECK;

/* ---- The built-in authority ---- */

/* Makes its key (EC P-256) and a certificate signed by the root, in one file: FOLDER/
 * issuing.pem, mode 0600, holding key, certificate, root, so that they are never a pair
 * that does not fit. ERR_EXISTS: it is there already, and stays. ERR_CONFLICT: the root
 * is no CA, allows no authority below it (path length 0), has ended, or the key is not its. */
enum err ca_builtin_make(const struct env *env, const char *folder, const char *common_name,
                         const struct signing_key *root_key, const struct x509_cert *root,
                         struct fault *f) MUST_CHECK;
/* Replaces the certificate in that file by a new one for the same key and name: what was
 * issued stays valid, and lists go on. Due when less than the longest lifetime of a
 * profile is left. */
enum err ca_builtin_renew(const struct env *env, const char *folder,
                          const struct signing_key *root_key, const struct x509_cert *root,
                          struct fault *f) MUST_CHECK;

#endif
