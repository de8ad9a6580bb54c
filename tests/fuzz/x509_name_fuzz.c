/* Names of strangers: as a Name and as a GeneralName. Text of a Name is one plain line. */
#include "base/text.h"
#include "x509/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct x509_general_name name;
    struct buf text;
    buf_init(&text, 1 << 22);
    x509_name_text(in, &text);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            abort();
    x509_name_attribute(in, OID_COMMON_NAME, &text);
    buf_reset(&text);
    if (x509_general_name_read(in, &name)) {
        if (x509_name_kind_name(name.kind) == NULL || name.value.n > size)
            abort();
        x509_general_name_text(&name, &text);
    }
    buf_clear(&text);
    return 0;
}
