/* lib/import: whatever the text is, what is taken parses; CSV rows stay within their row. */
#include "import/import.h"
#include "x509/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err take(void *context, struct bytes der) {
    struct x509_cert cert;
    struct arena a;
    arena_init(&a, 64 << 20);
    if (x509_cert_read(&a, der, &cert, NULL) != ERR_OK)
        abort();
    arena_clear(&a);
    *(size_t *)context += 1;
    return ERR_OK;
}

static void refuse(void *context, size_t line, const char *what, const char *why) {
    (void)context;
    if (line == 0 || !what || !why)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t n = 0;
    struct import_taker taker = {take, refuse, &n};
    enum import_format format;
    struct fault f;
    if (import_read(bytes_of(data, size), &taker, &format, &f) == ERR_FORMAT &&
        format != IMPORT_UNKNOWN)
        abort();
    return 0;
}
