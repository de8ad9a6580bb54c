/* BER (X.690, 8): what DER is not strict enough for: PKCS#7 and PKCS#12 files of the
 * world have lengths that are indefinite or longer than needed, and strings in parts.
 *
 * The reader takes both; values keep their bytes, so that a certificate inside stays
 * what was signed. Tags below 31, lengths below 2^32, nesting of indefinite lengths and
 * of strings in parts to BER_DEPTH_MAX. A refused read makes the cursor bad. No
 * allocation; any thread. Certificates themselves are read by der.h.
 */
#ifndef BASE_BER_H
#define BASE_BER_H

#include "base/der.h"

enum { BER_DEPTH_MAX = 32 };

/* Each takes one value off the cursor. The content is without the end-of-contents
 * octets of an indefinite length, `whole` with them. */
struct der_value ber_any(struct cur *c);
struct bytes ber_take(struct cur *c, uint8_t tag); /* its content; another tag is refused */
struct cur ber_open(struct cur *c, uint8_t tag);   /* a cursor over its content; bad where c is */
/* Takes it where it is there. False, and nothing taken, where another or none is. */
bool ber_optional(struct cur *c, uint8_t tag, struct bytes *content);
uint64_t ber_u64(struct cur *c); /* a non-negative INTEGER that fits */

/* An OCTET STRING in one piece or in parts, appended to out. `tag` is the primitive one
 * (DER_OCTET_STRING, or DER_CONTEXT plus a number where the tag is implicit). `out` is
 * grown once, so that no copy of what is secret is left behind. */
void ber_octets(struct cur *c, uint8_t tag, struct buf *out);

#endif
