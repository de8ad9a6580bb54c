/* The generic cell rate algorithm (ITU-T I.371), one cell per address. See pace.h. */
#include "web/http/pace.h"

#include <string.h>

enum { PROBES = 8 };

/* FNV-1a. Who chooses addresses so that they meet here gains only that they are forgotten
 * earlier: having them all gave more. */
static size_t place_of(const uint8_t *key) {
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < HTTP_ADDRESS_KEY; i++)
        h = (h ^ key[i]) * 16777619u;
    return h;
}

/* Its slot; where it has none, the one quiet for longest of those that it may take. */
static struct http_pace_slot *slot_of(struct http_pace *p, const uint8_t *key) {
    struct http_pace_slot *quiet = NULL;
    size_t first = place_of(key);
    for (size_t i = 0; i < PROBES; i++) {
        struct http_pace_slot *s = &p->slots[(first + i) % HTTP_PACE_SLOTS];
        if (s->due_us != 0 && memcmp(s->key, key, HTTP_ADDRESS_KEY) == 0)
            return s;
        if (quiet == NULL || s->due_us < quiet->due_us)
            quiet = s;
    }
    memcpy(quiet->key, key, HTTP_ADDRESS_KEY);
    quiet->due_us = 0;
    return quiet;
}

uint64_t http_pace_wait(struct http_pace *p, const uint8_t key[HTTP_ADDRESS_KEY], size_t per_second,
                        uint64_t now_ms) {
    const uint64_t second_us = 1000000, step_us = second_us / per_second;
    struct http_pace_slot *s = slot_of(p, key);
    uint64_t now_us = now_ms * 1000, due_us = s->due_us > now_us ? s->due_us : now_us;
    uint64_t ahead_us = due_us + step_us - now_us;
    s->due_us = due_us + step_us;
    return ahead_us > second_us ? (ahead_us - second_us + 999) / 1000 : 0;
}
