/* The ends of certificates as a calendar (RFC 5545): one event each, at its moment. The
 * UID is made of the fingerprint, so that the next export brings the same event. */
#include "applets/clm-export/parts.h"

#include "base/text.h"
#include "base/version.h"
#include "export/ics.h"

#include <string.h>

static void put_lines_of(struct export_run *run, const struct inventory_cert *cert) {
    struct buf *t = &run->line;
    buf_reset(t);
    buf_text(t, "Issuer: ");
    buf_put(t, cert->issuer);
    buf_text(t, "\nSerial number: ");
    hex_put(t, cert->serial);
    buf_text(t, "\nKey: ");
    buf_put(t, cert->key);
    buf_printf(t, "\nServed at %llu places", (unsigned long long)cert->served);
    if (cert->owner.n > 0) {
        buf_text(t, "\nOwner: ");
        buf_put(t, cert->owner);
    }
}

static bool put_event(struct export_run *run, void *context, const void *row) {
    const struct inventory_cert *cert = row;
    (void)context;
    struct buf *out = &run->stream.chunk, *t = &run->line;
    char uid[2 * SHA256_SIZE + 8];
    if (!cert->has_not_after) {
        run->skipped += cert->bad;
        return true;
    }
    hex_write(uid, bytes_of(cert->sha256, SHA256_SIZE));
    memcpy(uid + 2 * SHA256_SIZE, "@clm", 5);
    size_t mark = out->n;
    ics_line(out, "BEGIN", bytes_text("VEVENT"));
    ics_line(out, "UID", bytes_text(uid));
    ics_time(out, "DTSTAMP", run->as_of_s);
    if (!ics_time(out, "DTSTART", cert->not_after_s)) {
        buf_cut(out, mark); /* no such year in calendars */
        return true;
    }
    buf_reset(t);
    buf_put(t, cert->name);
    buf_text(t, ": certificate ends");
    ics_text(out, "SUMMARY", buf_bytes(t));
    put_lines_of(run, cert);
    ics_text(out, "DESCRIPTION", buf_bytes(t));
    ics_line(out, "CATEGORIES", bytes_text("CERTIFICATE"));
    ics_line(out, "TRANSP", bytes_text("TRANSPARENT"));
    ics_line(out, "END", bytes_text("VEVENT"));
    if (t->err != ERR_OK && out->err == ERR_OK)
        out->err = t->err;
    run->rows++;
    return export_stream_step(&run->stream);
}

enum err export_as_ics(struct export_run *run, struct fault *f) {
    struct buf *out = &run->stream.chunk;
    enum err code = export_head(run, &run->line, f);
    if (code != ERR_OK)
        return code;
    ics_line(out, "BEGIN", bytes_text("VCALENDAR"));
    ics_line(out, "VERSION", bytes_text("2.0"));
    ics_line(out, "PRODID", bytes_text("-//clm//clm-export " CLM_VERSION "//EN"));
    ics_line(out, "CALSCALE", bytes_text("GREGORIAN"));
    ics_text(out, "X-WR-CALNAME", bytes_text("Certificates that end"));
    ics_text(out, "X-WR-CALDESC", buf_bytes(&run->line));
    code = export_each_cert(run, put_event, NULL, f);
    ics_line(out, "END", bytes_text("VCALENDAR"));
    return code;
}
