/* Certificates out of what other tools write: found by content, never by a file's name.
 *
 *   PEM      a text whose lines begin certificates
 *   NDJSON   one JSON object a line: of `ers inspect --json --pem` and `ers scan --output --pem`
 *            ("type" and "pem"); of others every text that is a certificate, whatever it is
 *            called and however deep it lies: `tlsx -json -cert -tls-chain` ("certificate", and
 *            that of each object of "chain": clients.Response of projectdiscovery/tlsx)
 *   JSON     an array of such objects, or ones of more than a line: Keyfactor's GET /Certificates
 *            ("ContentBytes"), Venafi's POST Certificates/Retrieve ("CertificateData")
 *   CSV      RFC 4180 with a first row of names; quoted cells may have line ends. A cell that is
 *            a certificate, whatever its column is called (`certutil -view -out RawCertificate
 *            csv` writes PEM)
 *
 * A text is a certificate as PEM (which may have several), as base64 of its DER, or as base64 of
 * its PEM.
 *
 * A certificate is never made of its parts: a row that has none is told, and the rest goes on.
 * Places (host, port, time) are not read. No I/O; any thread.
 */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include "base/arena.h"
#include "base/buf.h"

enum {
    IMPORT_LINE_MAX = 16 << 20, /* of NDJSON; a row of CSV */
    IMPORT_TOKENS = 20000,      /* JSON values of a line */
    IMPORT_CELLS_MAX = 1024,    /* of a row */
};

enum import_format { IMPORT_UNKNOWN, IMPORT_PEM, IMPORT_NDJSON, IMPORT_JSON, IMPORT_CSV };

/* "PEM", "NDJSON", "JSON", "CSV"; never NULL. */
const char *import_format_name(enum import_format format);

struct import_taker {
    /* A certificate that parses, borrowed for the call. Any code but ERR_OK ends the reading. */
    enum err (*take)(void *context, struct bytes der);
    /* A row or object without one: from which line on, what of it, and why. Static texts. */
    void (*refuse)(void *context, size_t line, const char *what, const char *why);
    void *context;
};

/* ERR_FORMAT: none of the formats. ERR_MEMORY; what `take` returned. */
enum err import_read(struct bytes text, const struct import_taker *taker,
                     enum import_format *format, struct fault *f) MUST_CHECK;

/* The next row of CSV: its cells without quotes, in `room` (reset first), at most
 * IMPORT_CELLS_MAX. False at the end. *why NULL: the row is well formed; else what is wrong, and
 * the cursor stands behind it. *lines: line ends passed. */
struct import_row {
    struct bytes cells[IMPORT_CELLS_MAX];
    size_t n, lines;
    const char *why;
};
bool import_csv_next(struct cur *c, struct buf *room, struct import_row *row);

#endif
