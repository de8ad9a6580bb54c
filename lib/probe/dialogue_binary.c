/* Protocols whose messages say their length: LDAP, PostgreSQL, MySQL, RDP; and Telnet.
 * See dialogue.h.
 */
#include "base/text.h"
#include "probe/dialogue_inner.h"

#include <string.h>

static struct bytes unit_of(const struct dialogue *d) {
    return buf_bytes(&d->in);
}

/* Whole when it has `size` bytes; a size that no unit may have is bad at once. */
static enum dialogue_unit sized(const struct dialogue *d, size_t size) {
    if (size > DIALOGUE_UNIT_MAX)
        return UNIT_BAD;
    return d->in.n >= size ? UNIT_WHOLE : UNIT_PART;
}

/* ---- LDAP: RFC 4511, 4.12 and 4.14 ---- */

enum {
    BER_SEQUENCE = 0x30,
    BER_INTEGER = 0x02,
    BER_OCTETS = 0x04,
    BER_ENUMERATED = 0x0a,
    LDAP_EXTENDED_RESPONSE = 0x78,
};

/* The header of a BER value. Unlike DER, the length may take more bytes than it needs:
 * Active Directory writes all of them with four. */
static size_t ber_header(struct cur *c, uint8_t tag) {
    if (cur_u8(c) != tag)
        cur_refuse(c);
    size_t n = cur_u8(c), more = n & 0x7f;
    if (n < 0x80)
        return n;
    if (more == 0 || more > 4)
        cur_refuse(c);
    for (n = 0; more > 0 && !c->bad; more--)
        n = n << 8 | cur_u8(c);
    return n;
}

static struct bytes ber_take(struct cur *c, uint8_t tag) {
    size_t n = ber_header(c, tag);
    return cur_take(c, n);
}

static uint32_t ber_number(struct cur *c, uint8_t tag) {
    struct bytes content = ber_take(c, tag);
    uint32_t n = 0;
    if (content.n == 0 || content.n > 4)
        cur_refuse(c);
    for (size_t i = 0; i < content.n && !c->bad; i++)
        n = n << 8 | content.p[i];
    return n;
}

enum dialogue_unit dialogue_unit_ldap(const struct dialogue *d) {
    enum { HEADER_MAX = 6 };
    struct cur c = cur_open(unit_of(d));
    if (d->in.p[0] != BER_SEQUENCE)
        return UNIT_BAD;
    size_t n = ber_header(&c, BER_SEQUENCE);
    if (c.bad)
        return d->in.n >= HEADER_MAX ? UNIT_BAD : UNIT_PART;
    return n > DIALOGUE_UNIT_MAX ? UNIT_BAD : sized(d, d->in.n - c.rest.n + n);
}

void dialogue_ldap_begin(struct dialogue *d) {
    static const char request[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16"
                                  "1.3.6.1.4.1.1466.20037";
    dialogue_say(d, request);
}

static void ldap_refused(struct dialogue *d, uint32_t code, struct bytes message) {
    static const struct {
        uint32_t code;
        const char *name; /* RFC 4511, A.1 */
    } names[] = {
        {1,  "operationsError"     },
        {2,  "protocolError"       },
        {8,  "strongerAuthRequired"},
        {51, "busy"                },
        {52, "unavailable"         },
        {53, "unwillingToPerform"  },
        {80, "other"               },
    };
    char what[64];
    const char *name = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].code == code)
            name = names[i].name;
    snprintf(what, sizeof what, "StartTLS: result %u%s%s", (unsigned)code, *name ? " " : "", name);
    dialogue_refused(d, what, message);
    buf_put(&d->out, bytes_of("\x30\x05\x02\x01\x02\x42\x00", 7)); /* UnbindRequest */
}

void dialogue_ldap_take(struct dialogue *d, struct bytes unit) {
    enum { OURS = 1, NOTICE_OF_DISCONNECTION = 0 };
    struct cur whole = cur_open(unit);
    struct cur message = cur_open(ber_take(&whole, BER_SEQUENCE));
    uint32_t id = ber_number(&message, BER_INTEGER);
    struct cur result = cur_open(ber_take(&message, LDAP_EXTENDED_RESPONSE));
    uint32_t code = ber_number(&result, BER_ENUMERATED);
    (void)ber_take(&result, BER_OCTETS); /* matchedDN */
    struct bytes text = ber_take(&result, BER_OCTETS);
    if (message.bad || result.bad || (id != OURS && id != NOTICE_OF_DISCONNECTION))
        dialogue_bad(d, "not an answer to LDAP's StartTLS", (struct bytes){0});
    else if (id == OURS && code == 0)
        dialogue_done(d);
    else
        ldap_refused(d, code, text);
}

/* ---- PostgreSQL: protocol, "SSL session encryption" ---- */

enum { POSTGRES_ERROR = 'E', POSTGRES_ERROR_MAX = 4096 };

enum dialogue_unit dialogue_unit_postgres(const struct dialogue *d) {
    struct cur c = cur_open(unit_of(d));
    uint8_t type = cur_u8(&c);
    if (type == 'S' || type == 'N')
        return UNIT_WHOLE;
    if (type != POSTGRES_ERROR)
        return UNIT_BAD;
    uint32_t n = cur_u32(&c);
    if (c.bad)
        return UNIT_PART;
    return n < 4 || n > POSTGRES_ERROR_MAX ? UNIT_BAD : sized(d, n + 1u);
}

void dialogue_postgres_begin(struct dialogue *d) {
    buf_u32(&d->out, 8);
    buf_u32(&d->out, 80877103); /* SSLRequest */
}

/* Fields of a byte and a text that ends in a zero; 'M' is the message for people. */
static struct bytes postgres_message(struct bytes error) {
    struct cur c = cur_open(bytes_part(error, 5, SIZE_MAX));
    while (c.rest.n > 1) {
        uint8_t field = cur_u8(&c);
        struct bytes text = cur_until(&c, 0);
        if (field == 'M')
            return text;
    }
    return (struct bytes){0};
}

void dialogue_postgres_take(struct dialogue *d, struct bytes unit) {
    if (unit.p[0] == 'S')
        dialogue_done(d);
    else if (unit.p[0] == 'N')
        dialogue_refused(d, "SSLRequest: no", (struct bytes){0});
    else
        dialogue_refused(d, "SSLRequest", postgres_message(unit));
}

/* ---- MySQL, MariaDB: connection phase. Numbers are little-endian. ---- */

enum { MYSQL_HEADER = 4, MYSQL_VERSION_10 = 10, MYSQL_ERROR = 0xff, MYSQL_SSL = 0x0800 };

enum dialogue_unit dialogue_unit_mysql(const struct dialogue *d) {
    const uint8_t *p = d->in.p;
    if (d->in.n < MYSQL_HEADER)
        return UNIT_PART;
    size_t n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    return n == 0 || p[3] != 0 || n > DIALOGUE_UNIT_MAX ? UNIT_BAD : sized(d, MYSQL_HEADER + n);
}

/* The lower half of what the server can do; 0 where the greeting is too short. */
static unsigned mysql_capabilities(struct bytes greeting) {
    enum { THREAD = 4, SALT = 8, FILLER = 1 };
    struct cur c = cur_open(greeting);
    (void)cur_u8(&c);
    (void)cur_until(&c, 0); /* version of the server */
    (void)cur_take(&c, THREAD + SALT + FILLER);
    unsigned low = cur_u8(&c), high = cur_u8(&c);
    return c.bad ? 0 : low | high << 8;
}

/* SSLRequest: what we can do (protocol 4.1, SSL, its log-in), packets of 16 MB, UTF-8. */
static void mysql_ask(struct dialogue *d) {
    static const uint8_t request[] = {0x20, 0, 0, 1, 0x00, 0x8a, 0, 0, 0, 0, 0, 1, 0x21};
    buf_put(&d->out, bytes_of(request, sizeof request));
    buf_fill(&d->out, 0, 23);
    dialogue_done(d);
}

void dialogue_mysql_take(struct dialogue *d, struct bytes packet) {
    struct bytes body = bytes_part(packet, MYSQL_HEADER, SIZE_MAX);
    if (body.p[0] == MYSQL_ERROR)
        dialogue_refused(d, "greeting", bytes_part(body, 3, SIZE_MAX));
    else if (body.p[0] != MYSQL_VERSION_10)
        dialogue_bad(d, "not a greeting of MySQL", (struct bytes){0});
    else if ((mysql_capabilities(body) & MYSQL_SSL) == 0)
        dialogue_refused(d, "SSL is not among what it can do", (struct bytes){0});
    else
        mysql_ask(d);
}

/* ---- RDP: MS-RDPBCGR, 2.2.1.1 and 2.2.1.2, in X.224 and TPKT (RFC 1006) ---- */

enum { TPKT_HEADER = 4, TPKT_VERSION = 3, RDP_CONFIRM = 0xd0, RDP_RESPONSE = 2, RDP_FAILURE = 3 };

enum dialogue_unit dialogue_unit_rdp(const struct dialogue *d) {
    const uint8_t *p = d->in.p;
    if (p[0] != TPKT_VERSION)
        return UNIT_BAD;
    if (d->in.n < TPKT_HEADER)
        return UNIT_PART;
    size_t n = (size_t)p[2] << 8 | p[3];
    return n < TPKT_HEADER ? UNIT_BAD : sized(d, n);
}

void dialogue_rdp_begin(struct dialogue *d) {
    enum { TLS = 1, CREDSSP = 2 }; /* both begin with TLS */
    static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0,          0, 0, 0, 0,
                                      0, 1, 0, 8,  0,  TLS | CREDSSP, 0, 0, 0};
    buf_put(&d->out, bytes_of(request, sizeof request));
}

static const char *rdp_failure(unsigned code) {
    static const char *const names[] = {"",
                                        "SSL_REQUIRED_BY_SERVER",
                                        "SSL_NOT_ALLOWED_BY_SERVER",
                                        "SSL_CERT_NOT_ON_SERVER",
                                        "INCONSISTENT_FLAGS",
                                        "HYBRID_REQUIRED_BY_SERVER",
                                        "SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER"};
    return code < sizeof names / sizeof names[0] ? names[code] : "";
}

void dialogue_rdp_take(struct dialogue *d, struct bytes packet) {
    struct cur c = cur_open(bytes_part(packet, TPKT_HEADER, SIZE_MAX));
    struct cur x224 = cur_open(cur_vec8(&c));
    if ((cur_u8(&x224) & 0xf0) != RDP_CONFIRM || c.bad) {
        dialogue_bad(d, "not an answer of RDP", (struct bytes){0});
        return;
    }
    (void)cur_take(&x224, 5); /* references, class */
    uint8_t type = cur_u8(&x224);
    (void)cur_take(&x224, 3);       /* flags, length */
    unsigned value = cur_u8(&x224); /* of four bytes, the lowest comes first */
    if (x224.bad || (type == RDP_RESPONSE && value == 0))
        dialogue_refused(d, "only RDP's own encryption", (struct bytes){0});
    else if (type == RDP_RESPONSE)
        dialogue_done(d);
    else if (type == RDP_FAILURE)
        dialogue_refused(d, "refused", bytes_text(rdp_failure(value)));
    else
        dialogue_bad(d, "not an answer of RDP", (struct bytes){0});
}

/* ---- Telnet: RFC 854, draft-altman-telnet-starttls ---- */

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, SE = 240 };
enum { START_TLS = 46, FOLLOWS = 1 };

/* A command is IAC and a byte; IAC WILL, WONT, DO, DONT and an option; IAC SB ... IAC SE. */
enum dialogue_unit dialogue_unit_telnet(const struct dialogue *d) {
    const uint8_t *p = d->in.p;
    size_t n = d->in.n;
    if (p[0] != IAC)
        return UNIT_SKIP; /* text for the user */
    if (n < 2)
        return UNIT_PART;
    if (p[1] == SB)
        return n >= 5 && p[n - 2] == IAC && p[n - 1] == SE ? UNIT_WHOLE : UNIT_PART;
    if (p[1] >= WILL && p[1] <= DONT)
        return n < 3 ? UNIT_PART : UNIT_WHOLE;
    return UNIT_SKIP;
}

static void telnet_say(struct dialogue *d, uint8_t command, uint8_t option) {
    const uint8_t words[3] = {IAC, command, option};
    buf_put(&d->out, bytes_of(words, sizeof words));
}

void dialogue_telnet_begin(struct dialogue *d) {
    telnet_say(d, WILL, START_TLS);
}

void dialogue_telnet_take(struct dialogue *d, struct bytes unit) {
    uint8_t command = unit.p[1], option = unit.p[2];
    bool is_tls = option == START_TLS;
    if (is_tls && command == DO && !d->noted) {
        static const uint8_t follows[] = {IAC, SB, START_TLS, FOLLOWS, IAC, SE};
        buf_put(&d->out, bytes_of(follows, sizeof follows));
        d->noted = true;
    } else if (is_tls && command == DONT) {
        dialogue_refused(d, "START_TLS: DONT", (struct bytes){0});
    } else if (is_tls && command == SB) {
        if (d->noted && unit.n == 6 && unit.p[3] == FOLLOWS)
            dialogue_done(d);
    } else if (!is_tls && (command == DO || command == WILL)) {
        telnet_say(d, command == DO ? WONT : DONT, option);
    }
}
