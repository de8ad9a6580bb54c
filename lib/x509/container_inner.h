/* What the readers of containers share. Private to the room. */
#ifndef X509_CONTAINER_INNER_H
#define X509_CONTAINER_INNER_H

#include "x509/container.h"

/* One reading of one file. */
struct container_walk {
    const struct x509_container_reader *reader;
    struct x509_container_account *account;
    bool is_stopped; /* the caller wants no more */
};

void container_tell(struct container_walk *w, enum x509_container type, struct bytes der,
                    struct bytes name);
void container_fault(struct container_walk *w, enum err code, const char *what, const char *detail);

/* A ContentInfo (RFC 5652, 3), whole. */
void container_pkcs7(struct container_walk *w, struct bytes whole);
/* A PFX (RFC 7292, 4), whole. */
void container_pkcs12(struct container_walk *w, struct bytes whole);
/* A file that container_jks_is. */
bool container_jks_is(struct bytes file);
void container_jks(struct container_walk *w, struct bytes file);

#endif
