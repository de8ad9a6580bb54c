/* One file of a stranger through the reader of containers, and what must hold then. The four
 * targets differ in their corpus; the first finds out what kind of file it is. */
#ifndef TESTS_FUZZ_CONTAINER_H
#define TESTS_FUZZ_CONTAINER_H

#include "x509/container.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_seen {
    struct bytes file;
    size_t certificates, faults;
};

/* Reads every octet, so that a view that leads nowhere is found. */
static inline bool fuzz_certificate(void *context, const struct x509_container_entry *entry) {
    struct fuzz_seen *seen = context;
    volatile unsigned sum = 0;
    for (size_t i = 0; i < entry->der.n; i++)
        sum = sum + entry->der.p[i];
    for (size_t i = 0; i < entry->name.n; i++)
        sum = sum + entry->name.p[i];
    if (entry->der.n > seen->file.n || x509_container_name(entry->type) == NULL)
        abort();
    seen->certificates++;
    return true;
}

static inline void fuzz_fault(void *context, const struct fault *f) {
    struct fuzz_seen *seen = context;
    if (f->code == ERR_OK || f->what == NULL)
        abort();
    seen->faults++;
}

static inline bool fuzz_ask(void *context, struct buf *password) {
    (void)context;
    buf_text(password, "right");
    return true;
}

static inline void fuzz_container(struct bytes file) {
    struct fuzz_seen seen = {.file = file};
    const struct bytes password = bytes_text("rightly");
    struct x509_container_reader reader = {.context = &seen,
                                           .certificate = fuzz_certificate,
                                           .fault = fuzz_fault,
                                           .ask = fuzz_ask,
                                           .rounds_max = 20000};
    struct x509_container_account a;
    x509_container_read(file, &reader, &a);
    if (seen.certificates != a.certificates || seen.faults > a.faults)
        abort();
    if (a.type == X509_CONTAINER_NONE && a.faults != 1)
        abort();
    if (a.type == X509_CONTAINER_JKS) {
        reader.password = &password;
        x509_container_read(file, &reader, &a);
    }
}

#endif
