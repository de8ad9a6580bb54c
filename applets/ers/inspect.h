/* Private to `ers inspect`: one run over all inputs, and what its parts share.
 *
 *   inspect.c       the command; files, folders, standard input
 *   inspect_show.c  certificates, errors, notes and the summary, for people or as NDJSON
 *   inspect_text.c  one certificate for people
 *   inspect_look.c  endpoints and stores: one look, by lib/probe
 *   inspect_chain.c how the certificates of an endpoint hang together
 */
#ifndef ERS_INSPECT_H
#define ERS_INSPECT_H

#include "applets/ers/fail_on.h"
#include "base/opt.h"
#include "model/model.h"
#include "x509/container.h"
#include "x509/x509.h"

/* How certificates lie in what they were read from. */
struct inspect_from {
    const char *input;     /* the file's path, HOST:PORT or as typed */
    const char *container; /* NULL: of an endpoint or a store */
    struct bytes alias;    /* its name there; empty: none */
    size_t position;       /* of the certificate in it, from 1 */
};

struct inspect {
    struct env *env;
    const struct opt_common *common;
    bool pem, color;
    struct fail_on fail_on;
    struct inspect_from from;
    bool has_password;
    struct buf password; /* of --password-file */
    struct buf file, out;
    struct arena arena;     /* of one certificate */
    const char *trust_word; /* of --trust; NULL: the system's roots, where it has some */
    bool has_trust, is_trust_read;
    struct x509_trust trust; /* in its arena */
    struct arena trust_arena;
    /* Each input is read or failed; each file that was read has certificates or has none. The
     * others count lines: of certificates, of errors, and of what was left out. */
    size_t inputs, inputs_failed, files, files_without, certificates, errors, left_out;
    size_t private_keys, objects; /* objects: that are no certificates */
};

/* inspect_show.c */

/* The next certificate of in->from. False: it cannot be read, and that is told unless
 * `silent`. */
bool inspect_show(struct inspect *in, struct bytes der, bool silent);
void inspect_error(struct inspect *in, const struct fault *f);
void inspect_error_text(struct inspect *in, enum err code, const char *what, const char *detail);
/* Something in a folder that is no file to be read. */
void inspect_left_out(struct inspect *in, const char *path, const char *why);
/* For people, on standard error; nothing with --quiet or --json. */
void inspect_note(struct inspect *in, const char *text);
void inspect_summary(struct inspect *in);
void inspect_line(struct inspect *in); /* ends the line in in->out and writes it */
bool inspect_is_stopped(const struct inspect *in);

/* inspect_chain.c */

/* Reads what --trust names. */
enum err inspect_trust(struct inspect *in, struct fault *f) MUST_CHECK;
void inspect_chain(struct inspect *in, const struct bytes *der, size_t n); /* leaf first */

/* inspect_look.c */

/* Is the word an endpoint (HOST:PORT) or a store of the system? */
bool inspect_is_place(struct inspect *in, const char *word);
void inspect_place(struct inspect *in, const char *word);

#endif
