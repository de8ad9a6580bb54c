/* Request targets. See target.h.
 *
 * What could be read in two ways (an encoded slash, a dot segment, a NUL, text
 * that is no UTF-8) is refused, not mended: nobody who is honest sends it, and
 * a check that is made on one reading must hold for the other.
 */
#include "web/http/target.h"

#include "base/text.h"

static int hex_digit(uint8_t c) {
    if (ascii_is_digit(c))
        return c - '0';
    char lower = ascii_lower((char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte behind a '%'; -1 where there are no two digits. */
static int take_escaped(struct cur *c) {
    int high = hex_digit(cur_u8(c)), low = hex_digit(cur_u8(c));
    return c->bad || high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_control(int c) {
    return c < 0x20 || c == 0x7f;
}

/* Printable ASCII that is not needed elsewhere: the rest never stands in a URI
 * unescaped (RFC 3986, 2). */
static bool is_target_char(uint8_t c) {
    return c > 0x20 && c < 0x7f && c != '#' && c != '\\' && c != '"' && c != '<' && c != '>';
}

static bool target_chars(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (!is_target_char(text.p[i]))
            return false;
    return true;
}

static bool is_dots(struct bytes segment) {
    return bytes_is(segment, ".") || bytes_is(segment, "..");
}

static bool has_dot_segment(struct bytes path) {
    struct cur c = cur_open(path);
    while (c.rest.n > 0)
        if (is_dots(cur_until(&c, '/')))
            return true;
    return false;
}

static bool decode_path(struct arena *a, struct bytes raw, struct bytes *out) {
    uint8_t *text = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    struct cur c = cur_open(raw);
    if (text == NULL)
        return false;
    while (c.rest.n > 0) {
        int byte = cur_u8(&c);
        if (byte == '%') {
            byte = take_escaped(&c);
            if (is_control(byte) || byte == '/' || byte == '\\')
                return false;
        }
        text[n++] = (uint8_t)byte;
    }
    *out = bytes_of(text, n);
    return utf8_valid(*out) && !has_dot_segment(*out);
}

static bool decode_value(struct arena *a, struct bytes raw, struct bytes *out) {
    uint8_t *text = arena_alloc(a, raw.n + 1);
    size_t n = 0;
    struct cur c = cur_open(raw);
    if (text == NULL)
        return false;
    while (c.rest.n > 0) {
        int byte = cur_u8(&c);
        if (byte == '+')
            byte = ' ';
        else if (byte == '%')
            byte = take_escaped(&c);
        if (byte <= 0)
            return false;
        text[n++] = (uint8_t)byte;
    }
    *out = bytes_of(text, n);
    return utf8_valid(*out);
}

static bool read_params(struct http_request *rq) {
    struct cur c = cur_open(rq->raw_query);
    while (c.rest.n > 0) {
        struct cur pair = cur_open(cur_until(&c, '&'));
        if (pair.rest.n == 0)
            continue;
        if (rq->params_n == HTTP_PARAMS_MAX)
            return false;
        struct http_pair *param = &rq->params[rq->params_n++];
        struct bytes name = cur_until(&pair, '=');
        if (!decode_value(&rq->arena, name, &param->name) ||
            !decode_value(&rq->arena, pair.rest, &param->value))
            return false;
    }
    return true;
}

static bool is_host_char(uint8_t c) {
    return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_';
}

static bool is_port(struct bytes text) {
    uint64_t port;
    return text.n == 0 || number_read(text, 65535, &port);
}

bool http_host_valid(struct bytes host) {
    struct cur c = cur_open(host);
    bool v6 = bytes_starts(host, "[");
    struct bytes name = cur_until(&c, v6 ? ']' : ':');
    for (size_t i = v6 ? 1 : 0; i < name.n; i++) {
        uint8_t b = name.p[i];
        if (v6 ? hex_digit(b) < 0 && b != ':' && b != '.' : !is_host_char(b))
            return false;
    }
    if (name.n == (v6 ? 1u : 0u) || name.n > 255)
        return false;
    if (!v6)
        return is_port(c.rest);
    if (bytes_part(host, name.n, 1).n == 0) /* no ']' */
        return false;
    return c.rest.n == 0 || (cur_u8(&c) == ':' && is_port(c.rest));
}

/* Takes "scheme://host" off the front. */
static bool take_authority(struct http_request *rq, struct cur *c) {
    static const struct bytes slash = {(const uint8_t *)"/", 1},
                              question = {(const uint8_t *)"?", 1};
    struct bytes scheme = cur_until(c, ':');
    if (!bytes_is_nocase(scheme, "http") && !bytes_is_nocase(scheme, "https"))
        return false;
    if (!bytes_equal(cur_take(c, 2), bytes_text("//")))
        return false;
    size_t to_path = bytes_find(c->rest, slash), to_query = bytes_find(c->rest, question);
    size_t n = to_path < to_query ? to_path : to_query;
    rq->host = cur_take(c, n < c->rest.n ? n : c->rest.n);
    return http_host_valid(rq->host);
}

bool http_target_read(struct http_request *rq, struct bytes target) {
    struct cur c = cur_open(target);
    if (!target_chars(target))
        return false;
    if (bytes_is(target, "*")) {
        rq->path = rq->raw_path = target;
        return rq->method == HTTP_OPTIONS;
    }
    if (!bytes_starts(target, "/") && !take_authority(rq, &c))
        return false;

    struct bytes rest = c.rest;
    rq->raw_path = cur_until(&c, '?');
    rq->raw_query = c.rest;
    rq->has_query = rq->raw_path.n < rest.n;
    if (rq->raw_path.n == 0) /* "https://host": RFC 9110, 4.2.3 */
        rq->raw_path = bytes_text("/");
    return decode_path(&rq->arena, rq->raw_path, &rq->path) && read_params(rq);
}
