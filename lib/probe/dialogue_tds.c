/* MS SQL: MS-TDS 2.2.6.5 (PRELOGIN) and 3.2.5.2. See dialogue.h.
 *
 * A packet of TDS: type u8, status u8 (1: the message's last), length u16 big-endian with
 * these 8 bytes, SPID u16, packet number u8, window u8. Up to TDS 7 the handshake travels in
 * such packets, of type 0x12 from the client; servers answer in 0x12 or in 0x04. TDS 8 is TLS
 * from the first byte, see dialogue_direct_alpn.
 */
#include "probe/dialogue_inner.h"

enum {
    HEADER = 8,
    REPLY = 0x04,
    PRELOGIN = 0x12,
    LAST = 1,
    PACKET_MAX = 4096, /* until another size is agreed on */
};

static void put_header(struct buf *out, uint8_t status, size_t payload) {
    buf_u8(out, PRELOGIN);
    buf_u8(out, status);
    buf_u16(out, (uint16_t)(HEADER + payload));
    buf_u16(out, 0);
    buf_u8(out, 1);
    buf_u8(out, 0);
}

enum dialogue_unit dialogue_unit_tds(const struct dialogue *d) {
    const uint8_t *p = d->in.p;
    if (p[0] != REPLY && p[0] != PRELOGIN)
        return UNIT_BAD;
    if (d->in.n < HEADER)
        return UNIT_PART;
    size_t n = (size_t)p[2] << 8 | p[3];
    if (n <= HEADER || n > PACKET_MAX || (p[1] & LAST) == 0)
        return UNIT_BAD;
    return d->in.n >= n ? UNIT_WHOLE : UNIT_PART;
}

enum option { VERSION = 0, ENCRYPTION = 1, END = 0xff };
enum encryption {
    ENCRYPT_OFF = 0,
    ENCRYPT_ON = 1,
    ENCRYPT_NOT_SUPPORTED = 2,
    ENCRYPT_REQUIRED = 3
};

/* Options of token, offset and length, then what they point to; those that clients of
 * TDS 7.2 send. */
void dialogue_tds_begin(struct dialogue *d) {
    enum { INSTANCE = 2, THREAD = 3, MARS = 4 };
    /* clang-format off */
    static const uint8_t payload[] = {
        VERSION,    0, 26, 0, 6,
        ENCRYPTION, 0, 32, 0, 1,
        INSTANCE,   0, 33, 0, 1,
        THREAD,     0, 34, 0, 4,
        MARS,       0, 38, 0, 1,
        END,
        9, 0, 0, 0, 0, 0,
        ENCRYPT_ON,
        0,
        0, 0, 0, 0,
        0,
    };
    /* clang-format on */
    put_header(&d->out, LAST, sizeof payload);
    buf_put(&d->out, bytes_of(payload, sizeof payload));
}

/* The byte of ENCRYPTION; -1: none. */
static int encryption_of(struct bytes payload) {
    struct cur c = cur_open(payload);
    while (c.rest.n > 0) {
        uint8_t token = cur_u8(&c);
        if (token == END || c.bad)
            break;
        size_t at = cur_u16(&c), n = cur_u16(&c);
        struct bytes value = bytes_part(payload, at, n);
        if (token == ENCRYPTION && !c.bad)
            return value.n == 1 && n == 1 ? value.p[0] : -1;
    }
    return -1;
}

void dialogue_tds_take(struct dialogue *d, struct bytes packet) {
    int answer = encryption_of(bytes_part(packet, HEADER, SIZE_MAX));
    if (answer == ENCRYPT_NOT_SUPPORTED)
        dialogue_refused(d, "ENCRYPT_NOT_SUP", (struct bytes){0});
    else if (answer == ENCRYPT_OFF || answer == ENCRYPT_ON || answer == ENCRYPT_REQUIRED)
        dialogue_done(d); /* OFF: the log-in alone is encrypted, by a handshake all the same */
    else
        dialogue_bad(d, "not an answer to PRELOGIN", (struct bytes){0});
}

void dialogue_tds_wrap(struct bytes plain, struct buf *out) {
    while (plain.n > 0) {
        struct bytes part = bytes_part(plain, 0, PACKET_MAX - HEADER);
        plain = bytes_part(plain, part.n, SIZE_MAX);
        put_header(out, plain.n == 0 ? LAST : 0, part.n);
        buf_put(out, part);
    }
}

/* The packet's header is there: how much TLS stands behind it. */
static bool open_packet(struct dialogue *d) {
    struct cur c = cur_open(bytes_of(d->header, HEADER));
    uint8_t type = cur_u8(&c);
    (void)cur_u8(&c);
    size_t n = cur_u16(&c);
    d->header_n = 0;
    if ((type != PRELOGIN && type != REPLY) || n < HEADER)
        return false;
    d->payload_left = n - HEADER;
    return true;
}

bool dialogue_tds_unwrap(struct dialogue *d, struct bytes *in, struct bytes *plain) {
    struct cur c = cur_open(*in);
    *plain = (struct bytes){0};
    if (d->payload_left > 0) {
        *plain = cur_take(&c, c.rest.n < d->payload_left ? c.rest.n : d->payload_left);
        d->payload_left -= plain->n;
    } else {
        while (c.rest.n > 0 && d->header_n < HEADER)
            d->header[d->header_n++] = cur_u8(&c);
    }
    *in = c.rest;
    return d->header_n < HEADER || open_packet(d);
}
