/* How often one address may begin what is dear to us.
 *
 * A second's worth may come at once; whoever asks for more waits for a turn. Addresses are
 * kept in a table of fixed size: where it is full, the one that was quiet for longest is
 * forgotten. No I/O, no allocation; one thread at a time.
 */
#ifndef HTTP_PACE_H
#define HTTP_PACE_H

#include <stddef.h>
#include <stdint.h>

enum { HTTP_ADDRESS_KEY = 16, HTTP_PACE_SLOTS = 1024 };

struct http_pace_slot {
    uint8_t key[HTTP_ADDRESS_KEY];
    uint64_t due_us; /* when the next would come in an even flow; 0: a free slot */
};

/* Zeroed before use. */
struct http_pace {
    struct http_pace_slot slots[HTTP_PACE_SLOTS];
};

/* Takes a turn: how long to wait for it, in ms. per_second > 0. */
uint64_t http_pace_wait(struct http_pace *p, const uint8_t key[HTTP_ADDRESS_KEY], size_t per_second,
                        uint64_t now_ms);

#endif
