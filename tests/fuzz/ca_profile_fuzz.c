/* ca_profiles_read: whatever people write; what is read is whole. */
#include "ca/ca.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_whole(const struct ca_profile *p) {
    if (p->name[0] == '\0' || p->keys == 0 || p->lifetime_s < 3600 || p->usage_n == 0)
        abort();
    if (!p->any_dns && p->dns.n + p->ip_n == 0)
        abort();
    for (size_t i = 0; i < p->dns.n; i++)
        if (p->dns.items[i].n == 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct ca_profiles all;
    struct fault f = {0};

    arena_init(&a, 1 << 22);
    if (ca_profiles_read(&a, bytes_of(data, size), "profiles", &all, &f) == ERR_OK) {
        for (size_t i = 0; i < all.n; i++) {
            is_whole(&all.items[i]);
            if (ca_profile_find(&all, bytes_text(all.items[i].name)) != &all.items[i])
                abort();
        }
    } else if (f.what == NULL || f.detail[0] == '\0') {
        abort();
    }
    arena_clear(&a);
    return 0;
}
