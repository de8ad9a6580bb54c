/* One certificate for people, as `ers inspect` shows it. */
#ifndef ERS_INSPECT_TEXT_H
#define ERS_INSPECT_TEXT_H

#include "x509/x509.h"

struct inspect_place {
    const char *input; /* as typed: foreign text */
    size_t position;   /* of the certificate in it, from 1 */
    struct bytes name; /* under which it lies there: foreign text, empty where none */
};

/* Appends it, days left first, every foreign byte escaped. */
void inspect_text_put(struct buf *out, const struct x509_cert *cert, int64_t now_s, bool use_color,
                      const struct inspect_place *place);

#endif
