/* Calendars (RFC 5545): content lines, folded at 75 octets, and text values.
 *
 * Lines are folded between characters, never within one of UTF-8. Text is made safe first:
 * control characters are shown as \xNN. Errors gather in the buffer. No I/O. */
#ifndef EXPORT_ICS_H
#define EXPORT_ICS_H

#include "base/buf.h"

enum { ICS_LINE_MAX = 75 }; /* octets, without CRLF (RFC 5545, 3.1) */

/* One content line: name (with its parameters), ":", value as it is, folded, CRLF. */
void ics_line(struct buf *out, const char *name, struct bytes value);
/* The same with a TEXT value (3.3.11): \ ; , and line ends are escaped. */
void ics_text(struct buf *out, const char *name, struct bytes text);
/* A moment in UTC (3.3.5): 20260101T000000Z. False, and nothing written, outside years 0 to 9999.
 */
bool ics_time(struct buf *out, const char *name, int64_t unix_s);

#endif
