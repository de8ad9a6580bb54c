/* UTCTime and GeneralizedTime. See time.h. */
#include "x509/time.h"

#include "base/clock.h"
#include "base/der.h"
#include "base/text.h"

static unsigned take_digits(struct cur *c, size_t n) {
    struct bytes text = cur_take(c, n);
    unsigned value = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            cur_refuse(c);
        value = value * 10 + (unsigned)(text.p[i] - '0');
    }
    return value;
}

static bool next_is_digit(const struct cur *c) {
    return c->rest.n > 0 && ascii_is_digit(c->rest.p[0]);
}

/* X.680, 46: "." or "," and at least one digit. */
static void skip_fraction(struct cur *c, unsigned *flags) {
    if (c->rest.n == 0 || (c->rest.p[0] != '.' && c->rest.p[0] != ','))
        return;
    cur_u8(c);
    if (!next_is_digit(c))
        cur_refuse(c);
    while (next_is_digit(c))
        cur_u8(c);
    *flags |= X509_TIME_FRACTION;
}

/* 'Z' or "+HHMM"/"-HHMM"; the seconds to subtract to get UTC. */
static int64_t take_zone(struct cur *c, unsigned *flags) {
    uint8_t sign = cur_u8(c);
    if (sign == 'Z')
        return 0;
    if (sign != '+' && sign != '-')
        cur_refuse(c);
    unsigned hour = take_digits(c, 2), minute = take_digits(c, 2);
    if (hour > 23 || minute > 59)
        cur_refuse(c);
    *flags |= X509_TIME_OFFSET;
    int64_t offset_s = (int64_t)hour * 3600 + (int64_t)minute * 60;
    return sign == '-' ? -offset_s : offset_s;
}

bool x509_time_read(enum x509_time_type type, struct bytes text, struct x509_time *out) {
    struct cur c = cur_open(text);
    struct civil t = {0};
    unsigned flags = 0;

    if (type == X509_UTC_TIME) {
        t.year = take_digits(&c, 2);
        t.year += t.year >= 50 ? 1900 : 2000;
    } else {
        t.year = take_digits(&c, 4);
    }
    t.month = take_digits(&c, 2);
    t.day = take_digits(&c, 2);
    t.hour = take_digits(&c, 2);
    t.minute = take_digits(&c, 2);
    if (next_is_digit(&c))
        t.second = take_digits(&c, 2);
    else
        flags |= X509_TIME_NO_SECONDS;
    if (type == X509_GENERALIZED_TIME && flags == 0)
        skip_fraction(&c, &flags);
    int64_t offset_s = take_zone(&c, &flags);

    if (!cur_end(&c) || !clock_is_civil(&t))
        return false;
    *out = (struct x509_time){clock_from_civil(&t) - offset_s, flags};
    return true;
}

void x509_time_write(struct buf *out, int64_t unix_s) {
    struct civil t = clock_to_civil(unix_s);
    if (t.year < 0 || t.year > 9999) {
        out->err = out->err == ERR_OK ? ERR_FORMAT : out->err;
        return;
    }
    bool utc = t.year >= 1950 && t.year < 2050;
    unsigned year = (unsigned)(utc ? t.year % 100 : t.year);
    size_t mark = der_begin(out, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
    buf_printf(out, "%0*u%02u%02u%02u%02u%02uZ", utc ? 2 : 4, year, t.month, t.day, t.hour,
               t.minute, t.second);
    der_close(out, mark);
}
