/* The calendar. See clock.h. */
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in_month(int64_t year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

bool clock_is_civil(const struct civil *c) {
    return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= days_in_month(c->year, c->month) && c->hour < 24 && c->minute < 60 &&
           c->second < 60;
}

/* Years begin in March here, so that the leap day is the last of its year. */
int64_t clock_from_civil(const struct civil *c) {
    int64_t y = c->year - (c->month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month = (int64_t)c->month + (c->month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month + 2) / 5 + c->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * 146097 + day_of_era - 719468;
    return days * 86400 + (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + c->second;
}

static int64_t floor_divide(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

struct civil clock_to_civil(int64_t unix_s) {
    int64_t days = floor_divide(unix_s, 86400), of_day = unix_s - days * 86400;
    int64_t z = days + 719468, era = floor_divide(z, 146097);
    uint32_t day_of_era = (uint32_t)(z - era * 146097), second = (uint32_t)of_day;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day_of_year + 2) / 153; /* from March */
    struct civil c = {
        .month = month < 10 ? month + 3 : month - 9,
        .day = day_of_year - (153 * month + 2) / 5 + 1,
        .hour = second / 3600,
        .minute = second / 60 % 60,
        .second = second % 60,
    };
    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

static const int64_t first_s = -62167219200, last_s = 253402300799;

static void put_two(char *out, unsigned n) {
    out[0] = (char)('0' + n / 10);
    out[1] = (char)('0' + n % 10);
}

/* By hand: it stands in every line of every scan, and printf is slow. */
const char *clock_write(int64_t unix_s, char out[CLOCK_TEXT_MAX]) {
    static const char form[] = "0000-00-00T00:00:00Z";
    out[0] = '\0';
    if (unix_s < first_s || unix_s > last_s)
        return out;
    struct civil c = clock_to_civil(unix_s);
    memcpy(out, form, sizeof form);
    put_two(out, (unsigned)c.year / 100);
    put_two(out + 2, (unsigned)c.year % 100);
    put_two(out + 5, c.month);
    put_two(out + 8, c.day);
    put_two(out + 11, c.hour);
    put_two(out + 14, c.minute);
    put_two(out + 17, c.second);
    return out;
}

static unsigned take_number(struct cur *c, size_t digits) {
    uint64_t n = 0;
    if (!number_read(cur_take(c, digits), 9999, &n))
        cur_refuse(c);
    return (unsigned)n;
}

static void take_char(struct cur *c, char expected) {
    if (cur_u8(c) != (uint8_t)expected)
        cur_refuse(c);
}

static void skip_fraction(struct cur *c) {
    if (c->rest.n == 0 || c->rest.p[0] != '.')
        return;
    cur_take(c, 1);
    if (c->rest.n == 0 || !ascii_is_digit(c->rest.p[0]))
        cur_refuse(c);
    while (c->rest.n > 0 && ascii_is_digit(c->rest.p[0]))
        cur_take(c, 1);
}

bool clock_read(struct bytes text, int64_t *unix_s) {
    struct cur c = cur_open(text);
    struct civil t = {0};
    t.year = take_number(&c, 4);
    take_char(&c, '-');
    t.month = take_number(&c, 2);
    take_char(&c, '-');
    t.day = take_number(&c, 2);
    take_char(&c, 'T');
    t.hour = take_number(&c, 2);
    take_char(&c, ':');
    t.minute = take_number(&c, 2);
    take_char(&c, ':');
    t.second = take_number(&c, 2);
    skip_fraction(&c);
    take_char(&c, 'Z');
    if (!cur_end(&c) || !clock_is_civil(&t))
        return false;
    *unix_s = clock_from_civil(&t);
    return true;
}

int64_t clock_days_between(int64_t now_s, int64_t then_s) {
    return (then_s - now_s) / 86400;
}

bool duration_read(struct bytes text, uint64_t *ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"",   1000    },
        {"ms", 1       },
        {"s",  1000    },
        {"m",  60000   },
        {"h",  3600000 },
        {"d",  86400000},
    };
    size_t digits = 0;
    while (digits < text.n && ascii_is_digit(text.p[digits]))
        digits++;
    uint64_t n;
    if (!number_read(bytes_part(text, 0, digits), 1000000000, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (bytes_is(bytes_part(text, digits, text.n), units[i].unit)) {
            *ms = n * units[i].ms;
            return true;
        }
    }
    return false;
}
