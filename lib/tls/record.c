/* From the stream to records, and from records to alerts and handshake bytes: what
 * does not depend on which message comes next. See tls.h and harvest.c.
 *
 * RFC 8446, 5; RFC 5246, 6.2. A record is collected whole, since nothing of an
 * encrypted one may be used before its tag is checked; the buffer grows with what
 * arrives, not with what a header announces.
 */
#include "tls/inner.h"

static void fail_error(struct tls_harvest *h, enum tls_alert_number alert, const char *detail) {
    tls_harvest_fail(h, TLS_OUTCOME_TLS_ERROR, alert, detail);
}

static void on_alert(struct tls_harvest *h, uint8_t level, uint8_t number) {
    /* In TLS 1.3 all but two alerts are fatal, whatever their level says. */
    bool is_warning =
        h->state == TLS_STATE_ENCRYPTED ? number == TLS_ALERT_USER_CANCELED : level == 1;
    if (is_warning && number != TLS_ALERT_CLOSE_NOTIFY) {
        (void)tls_harvest_may_idle(h);
        return;
    }
    h->result.alert = number;
    const char *name = tls_alert_name(number);
    tls_harvest_fail(h, TLS_OUTCOME_TLS_ALERT, TLS_ALERT_NONE,
                     name == NULL ? "an unknown alert" : name);
}

static void on_alerts(struct tls_harvest *h, struct bytes body) {
    struct cur c = cur_open(body);
    if (body.n % 2 != 0) {
        fail_error(h, TLS_ALERT_DECODE_ERROR, "half an alert");
        return;
    }
    while (c.rest.n > 0 && !tls_harvest_has_ended(h)) {
        uint8_t level = cur_u8(&c);
        on_alert(h, level, cur_u8(&c));
    }
}

static void on_content(struct tls_harvest *h, uint8_t type, struct bytes body) {
    if (body.n == 0) {
        (void)tls_harvest_may_idle(h);
    } else if (type == TLS_ALERT) {
        on_alerts(h, body);
    } else if (type == TLS_HANDSHAKE) {
        tls_harvest_read(h, body);
    } else {
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "application data before the handshake's end");
    }
}

/* Before TLS 1.3 it would mean a resumed session, and none was asked for. */
static void on_change_cipher_spec(struct tls_harvest *h, struct bytes body) {
    bool is_for_13 = h->state == TLS_STATE_ENCRYPTED || h->result.retried;
    if (!is_for_13 || body.n != 1 || body.p[0] != 1)
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "an unexpected ChangeCipherSpec");
    else
        (void)tls_harvest_may_idle(h);
}

static void on_ciphertext(struct tls_harvest *h, struct bytes header, uint8_t *body, size_t n) {
    uint8_t type;
    if (!tls_traffic_open(&h->reader, header, body, &n, &type))
        fail_error(h, TLS_ALERT_BAD_RECORD_MAC, "a record that does not decrypt");
    else if (n > TLS_PLAINTEXT_MAX)
        fail_error(h, TLS_ALERT_RECORD_OVERFLOW, "a record that is too long");
    else
        on_content(h, type, bytes_of(body, n));
}

static bool is_sealed(const struct tls_harvest *h, uint8_t type) {
    return h->state == TLS_STATE_ENCRYPTED && type == TLS_DATA;
}

/* One whole record. A sealed one is in h->record, where it is opened. */
static void on_record(struct tls_harvest *h, struct bytes record) {
    struct bytes header = bytes_part(record, 0, TLS_HEADER_SIZE);
    struct bytes body = bytes_part(record, TLS_HEADER_SIZE, SIZE_MAX);
    uint8_t type = header.p[0];

    if (type == TLS_CHANGE_CIPHER_SPEC)
        on_change_cipher_spec(h, body);
    else if (h->state != TLS_STATE_ENCRYPTED)
        on_content(h, type, body);
    else if (is_sealed(h, type))
        on_ciphertext(h, header, h->record.p + TLS_HEADER_SIZE, body.n);
    else if (type == TLS_ALERT) /* of a server that has no keys: it could not go on */
        on_content(h, type, body);
    else
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "a record in clear among encrypted ones");
}

/* What speaks when it is no TLS: by its first bytes. */
static const char *describe_stranger(struct bytes first) {
    static const struct {
        const char *start, *what;
    } rows[] = {
        {"HTTP/", "an HTTP answer"         },
        {"SSH-",  "an SSH banner"          },
        {"220",   "an SMTP or FTP greeting"},
        {"* ",    "an IMAP greeting"       },
        {"+OK",   "a POP3 greeting"        },
        {"<",     "HTML or XML text"       },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (bytes_starts(first, rows[i].start))
            return rows[i].what;
    return "no TLS record";
}

static bool looks_like_tls(struct bytes first) {
    return first.p[0] >= TLS_CHANGE_CIPHER_SPEC && first.p[0] <= TLS_DATA &&
           (first.n < 2 || first.p[1] == 3);
}

static void check_first(struct tls_harvest *h, struct bytes first) {
    enum { SSL_2_SERVER_HELLO = 4 };
    h->has_answer = looks_like_tls(first);
    if (h->has_answer)
        return;
    if (first.n >= 3 && (first.p[0] & 0x80) != 0 && first.p[2] == SSL_2_SERVER_HELLO)
        tls_harvest_fail(h, TLS_OUTCOME_UNSUPPORTED, TLS_ALERT_NONE, "only SSLv2");
    else
        tls_harvest_fail(h, TLS_OUTCOME_NOT_TLS, TLS_ALERT_NONE, describe_stranger(first));
}

/* The header is there: how long the whole record will be; 0 where it failed. */
static size_t check_header(struct tls_harvest *h, struct bytes header) {
    struct cur c = cur_open(header);
    if (!h->has_answer)
        check_first(h, header);
    if (tls_harvest_has_ended(h))
        return 0;
    uint8_t type = cur_u8(&c), major = cur_u8(&c);
    (void)cur_u8(&c);
    size_t n = cur_u16(&c);
    if (type < TLS_CHANGE_CIPHER_SPEC || type > TLS_DATA || major != 3)
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "a record of unknown type");
    else if (n > (is_sealed(h, type) ? TLS_CIPHERTEXT_MAX : TLS_PLAINTEXT_MAX))
        fail_error(h, TLS_ALERT_RECORD_OVERFLOW, "a record that is too long");
    return tls_harvest_has_ended(h) ? 0 : TLS_HEADER_SIZE + n;
}

/* Takes up to `size` bytes into the record; true when it has so many. */
static bool fill_record(struct tls_harvest *h, struct cur *in, size_t size) {
    size_t missing = size - h->record.n;
    buf_put(&h->record, cur_take(in, missing < in->rest.n ? missing : in->rest.n));
    if (h->record.err != ERR_OK)
        tls_harvest_fail(h, TLS_OUTCOME_LOCAL, TLS_ALERT_INTERNAL_ERROR, "no memory");
    return !tls_harvest_has_ended(h) && h->record.n == size;
}

/* A record in clear that lies whole in what came needs no copy; most do. */
static bool take_record(struct tls_harvest *h, struct cur *in) {
    if (h->record.n > 0 || in->rest.n < TLS_HEADER_SIZE)
        return false;
    struct bytes header = bytes_part(in->rest, 0, TLS_HEADER_SIZE);
    size_t size = check_header(h, header);
    if (size == 0 || size > in->rest.n || is_sealed(h, header.p[0]))
        return false;
    on_record(h, cur_take(in, size));
    return true;
}

enum tls_want tls_harvest_feed(struct tls_harvest *h, struct bytes in) {
    struct cur c = cur_open(in);
    while (!tls_harvest_has_ended(h) && c.rest.n > 0) {
        if (take_record(h, &c))
            continue;
        if (h->record.n < TLS_HEADER_SIZE && !fill_record(h, &c, TLS_HEADER_SIZE))
            break;
        size_t size = check_header(h, buf_bytes(&h->record));
        if (size == 0 || !fill_record(h, &c, size))
            break;
        on_record(h, buf_bytes(&h->record));
        buf_reset(&h->record);
    }
    if (h->output.err != ERR_OK)
        tls_harvest_fail(h, TLS_OUTCOME_LOCAL, TLS_ALERT_NONE, "no memory");
    return tls_harvest_want(h);
}

enum tls_want tls_harvest_eof(struct tls_harvest *h) {
    if (!tls_harvest_has_ended(h) && !h->has_answer && h->record.n > 0)
        check_first(h, buf_bytes(&h->record));
    tls_harvest_fail(h, TLS_OUTCOME_CLOSED, TLS_ALERT_NONE,
                     h->has_answer ? "closed in the middle of the handshake"
                                   : "closed without an answer");
    return tls_harvest_want(h);
}
