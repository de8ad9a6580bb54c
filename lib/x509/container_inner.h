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

/* One value that is no PEM, its frame checked: a certificate, a key, a container. */
enum x509_container container_value(struct container_walk *w, struct bytes whole);

#endif
