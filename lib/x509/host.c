/* What a certificate is called, and whom it is for. See x509.h. */
#include "x509/x509.h"

#include "base/ip.h"
#include "base/text.h"

void x509_ip_text(struct bytes raw, struct buf *out) {
    struct ip ip = ip_of(raw);
    char text[IP_TEXT_MAX];
    if (ip.size == 0) {
        buf_u8(out, '#');
        hex_put(out, raw);
        return;
    }
    buf_text(out, ip_write(&ip, text));
}

static bool put_alt_name(const struct x509_alt_names *alt, struct buf *out) {
    const struct x509_names *lists[] = {&alt->dns, &alt->ip, &alt->email, &alt->uri};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i]->n == 0 || lists[i]->items[0].n == 0)
            continue;
        if (lists[i] == &alt->ip)
            x509_ip_text(lists[i]->items[0], out);
        else
            buf_put(out, lists[i]->items[0]);
        return true;
    }
    return false;
}

void x509_cert_display_name(const struct x509_cert *cert, struct buf *out) {
    size_t from = out->n;
    x509_name_attribute(cert->subject, OID_COMMON_NAME, out);
    if (out->n > from || put_alt_name(&cert->alt, out))
        return;
    x509_name_text(cert->subject, out);
    if (out->n > from)
        return;
    buf_text(out, "serial ");
    hex_put(out, cert->serial);
}

/* ---- Matching (RFC 9525, 6) ---- */

static struct bytes without_dot(struct bytes name) {
    return name.n > 0 && name.p[name.n - 1] == '.' ? bytes_part(name, 0, name.n - 1) : name;
}

static bool equal_nocase(struct bytes a, struct bytes b) {
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower((char)a.p[i]) != ascii_lower((char)b.p[i]))
            return false;
    return true;
}

/* The name behind its first label and dot; empty where there is no dot. */
static struct bytes parent(struct bytes name) {
    struct cur c = cur_open(name);
    struct bytes label = cur_until(&c, '.');
    return label.n == 0 ? (struct bytes){0} : c.rest;
}

/* "*.example.com" stands for exactly one label; "*.com" and "*" for none at all. */
static bool wildcard_matches(struct bytes pattern, struct bytes host) {
    struct bytes wanted = bytes_part(pattern, 2, pattern.n), have = parent(host);
    bool two_labels = bytes_find(wanted, bytes_text(".")) != SIZE_MAX;
    return two_labels && bytes_find(wanted, bytes_text("*")) == SIZE_MAX &&
           equal_nocase(wanted, have);
}

static bool name_matches(struct bytes pattern, struct bytes host) {
    pattern = without_dot(pattern);
    if (pattern.n == 0)
        return false;
    return bytes_starts(pattern, "*.") ? wildcard_matches(pattern, host)
                                       : equal_nocase(pattern, host);
}

bool x509_cert_matches_host(const struct x509_cert *cert, struct bytes host) {
    struct ip ip;
    if (ip_read(host, &ip)) {
        for (size_t i = 0; i < cert->alt.ip.n; i++)
            if (bytes_equal(cert->alt.ip.items[i], bytes_of(ip.bytes, ip.size)))
                return true;
        return false;
    }
    host = without_dot(host);
    if (host.n == 0 || bytes_find(host, bytes_text("*")) != SIZE_MAX)
        return false;
    for (size_t i = 0; i < cert->alt.dns.n; i++)
        if (name_matches(cert->alt.dns.items[i], host))
            return true;
    return false;
}
