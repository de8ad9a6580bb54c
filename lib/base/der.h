/* DER (X.690): tag, length, content; read through the cursor, written to a buffer.
 *
 * The reader is strict about framing: tags below 31, definite and minimal lengths
 * of at most 4 bytes. What the content means is its caller's affair. A refused
 * read makes the cursor bad, as all reads do. The certificates, keys, signatures
 * and LDAP messages of the project all pass through here. No allocation; any thread.
 */
#ifndef BASE_DER_H
#define BASE_DER_H

#include "base/buf.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_T61_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_VISIBLE_STRING = 0x1a,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,      /* [0] IMPLICIT of a primitive type; add the number */
    DER_CONTEXT_CONS = 0xa0, /* [0] constructed; add the number */
};

struct der_value {
    uint8_t tag;
    struct bytes content, whole; /* without and with tag and length */
};

/* Reader: each takes one value off the cursor. */
struct der_value der_any(struct cur *c);
struct bytes der_take(struct cur *c, uint8_t tag);  /* its content; another tag is refused */
struct bytes der_whole(struct cur *c, uint8_t tag); /* with tag and length */
struct cur der_open(struct cur *c, uint8_t tag);    /* a cursor over its content; bad where c is */
bool der_peek(const struct cur *c, uint8_t tag);    /* the next value has this tag */
/* Takes it where it is there. False, and nothing taken, where another or none is. */
bool der_optional(struct cur *c, uint8_t tag, struct bytes *content);
/* Two's complement content of a minimal INTEGER. */
struct bytes der_integer(struct cur *c);
/* A non-negative INTEGER without its leading zero byte. */
struct bytes der_unsigned(struct cur *c);
uint64_t der_u64(struct cur *c);     /* one that fits */
bool der_boolean(struct cur *c);     /* 00 or FF; others are refused */
struct bytes der_oid(struct cur *c); /* well formed, as oid.h can write it */
/* Bits of a big-endian number, leading zeros not counted. */
unsigned der_bit_length(struct bytes number);
/* The octets of a BIT STRING that has no unused bits. */
struct bytes der_bits(struct cur *c);

/* Writer. der_begin ... der_close frames what is written between them. */
size_t der_begin(struct buf *b, uint8_t tag);
void der_close(struct buf *b, size_t mark);
void der_put(struct buf *b, uint8_t tag, struct bytes content);
void der_put_unsigned(struct buf *b,
                      struct bytes big_endian); /* leading zeros are dropped, or added */
void der_put_u64(struct buf *b, uint64_t v);
void der_put_boolean(struct buf *b, bool v);
void der_put_bits(struct buf *b, struct bytes octets); /* no unused bits */
void der_put_null(struct buf *b);

#endif
