/* The two time types of certificates, as seconds since 1970 (UTC). Private to the room.
 *
 * RFC 5280, 4.1.2.5: UTCTime "YYMMDDHHMMSSZ" (YY >= 50 is 19YY) through 2049,
 * GeneralizedTime "YYYYMMDDHHMMSSZ" from 2050. Certificates in use deviate;
 * each deviation that is read all the same is named, and what cannot be read
 * is refused: there is no default time.
 */
#ifndef X509_TIME_H
#define X509_TIME_H

#include "base/buf.h"

enum x509_time_type { X509_UTC_TIME = 0x17, X509_GENERALIZED_TIME = 0x18 };

/* Deviations, as bits. */
enum x509_time_flag {
    X509_TIME_NO_SECONDS = 1u << 0, /* "YYMMDDHHMMZ": X.208, not RFC 5280 */
    X509_TIME_OFFSET = 1u << 1,     /* "+HHMM" or "-HHMM" in place of Z */
    X509_TIME_FRACTION = 1u << 2,   /* GeneralizedTime with parts of a second, which are dropped */
};

struct x509_time {
    int64_t unix_s; /* years 0 to 9999: -62167219200 to 253402300799, a day more with an offset */
    unsigned flags; /* enum x509_time_flag */
};

/* Reads the content octets of a time. False: malformed, or no such moment
 * (a 31st of April, second 60); *out is then untouched. */
bool x509_time_read(enum x509_time_type type, struct bytes text, struct x509_time *out);

/* Writes a time as DER in the type that RFC 5280 wants for its year, which must
 * be 0 to 9999; others give ERR_FORMAT in the buffer. */
void x509_time_write(struct buf *out, int64_t unix_s);

#endif
