/* Moments as seconds since 1970 (UTC), and the calendar. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/bytes.h"

struct civil {
    int64_t year;
    unsigned month, day, hour, minute, second; /* month and day from 1 */
};

/* Proleptic Gregorian calendar. clock_is_civil: such a moment exists (no leap second). */
bool clock_is_civil(const struct civil *c);
int64_t clock_from_civil(const struct civil *c);
struct civil clock_to_civil(int64_t unix_s);

enum { CLOCK_TEXT_MAX = 32 };

/* RFC 3339 in UTC, "2026-01-01T00:00:00Z". Returns out. Years 0 to 9999;
 * outside them the text is "". */
const char *clock_write(int64_t unix_s, char out[CLOCK_TEXT_MAX]);
/* Only the form that clock_write makes, fractions of a second accepted and dropped. */
bool clock_read(struct bytes text, int64_t *unix_s);

/* Whole days from now to then, as people count: -2 is "ended two days ago", 0 is
 * less than a day on either side. */
int64_t clock_days_between(int64_t now_s, int64_t then_s);

/* "5s", "250ms", "30m", "2h", "7d", a bare number is seconds. */
bool duration_read(struct bytes text, uint64_t *ms);

#endif
