/* Java's key stores. See container.h. */
#include "tests/fuzz/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_container(bytes_of(data, size));
    return 0;
}
