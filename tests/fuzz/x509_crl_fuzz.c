/* x509_crl_read: lists of strangers; their entries are as many as were counted. */
#include "x509/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct x509_crl crl;
    struct x509_revoked one;
    struct fault f = {0};

    arena_init(&a, 1 << 22);
    if (x509_crl_read(&a, bytes_of(data, size), &crl, &f) == ERR_OK) {
        struct cur entries = cur_open(crl.revoked);
        size_t seen = 0;
        for (; x509_crl_next(&entries, &one); seen++)
            if (one.serial.n == 0 || x509_reason_name((unsigned)one.reason) == NULL)
                abort();
        if (seen != crl.revoked_n || !cur_end(&entries))
            abort();
    } else if (f.what == NULL) {
        abort();
    }
    arena_clear(&a);
    return 0;
}
