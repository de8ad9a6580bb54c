/* Reading targets from tokens, exclusions. See target.h. Counting and unfolding are in unfold.c. */
#include "model/target.h"

#include "base/text.h"
#include "model/name.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_MAX = 4096, SHOWN_MAX = 100, STORE_NAME_MAX = 64, STORE_KEY_MAX = 96 };

static const char *const kinds[] = {
    [MODEL_TARGET_NAME] = "name",
    [MODEL_TARGET_ADDRESS] = "address",
    [MODEL_TARGET_RANGE] = "range",
    [MODEL_TARGET_PATH] = "path",
};

const char *model_target_kind_name(enum model_target_kind k) {
    return kinds[k];
}

/* One token on its way to a target. */
struct token {
    struct arena *arena;
    struct bytes whole; /* as typed, for messages */
    unsigned forms;     /* enum model_form */
    struct model_target *out;
    struct fault *fault;
};

static enum err refuse(const struct token *t, const char *why) {
    int n = t->whole.n < SHOWN_MAX ? (int)t->whole.n : SHOWN_MAX;
    return fault_set(t->fault, ERR_USAGE, "target", "\"%.*s\" %s", n, (const char *)t->whole.p,
                     why);
}

static enum err no_memory(const struct token *t) {
    return fault_set(t->fault, t->arena->err, "target", "%s", "");
}

static bool has(struct bytes b, const char *needle) {
    return bytes_find(b, bytes_text(needle)) != SIZE_MAX;
}

static size_t first_of(struct bytes b, const char *any) {
    size_t i = 0;
    while (i < b.n && (b.p[i] == 0 || strchr(any, b.p[i]) == NULL))
        i++;
    return i;
}

/* Paths. */

static bool is_slash(uint8_t c) {
    return c == '/' || c == '\\';
}

static bool has_drive(struct bytes b) {
    return b.n > 2 && ascii_is_alnum(b.p[0]) && !ascii_is_digit(b.p[0]) && b.p[1] == ':' &&
           is_slash(b.p[2]);
}

/* \\server\share */
static bool has_server(struct bytes b) {
    return bytes_starts(b, "\\\\") && b.n > 2 && !is_slash(b.p[2]);
}

static const char store_prefix[] = "cert:";

/* Not "cert:443", which is a host with its port. */
bool model_path_is_store(struct bytes path) {
    struct bytes name = bytes_part(path, sizeof store_prefix - 1, path.n);
    return bytes_is_nocase(bytes_part(path, 0, sizeof store_prefix - 1), store_prefix) &&
           name.n > 0 && !ascii_is_digit(name.p[0]);
}

static bool is_path(struct bytes b) {
    return bytes_starts(b, "/") || has_server(b) || has_drive(b) || model_path_is_store(b);
}

/* Without doubled slashes, "." and a slash at the end. Windows' paths keep their
 * leading pair (servers) and what slashes they have. ".." stays: behind a link it may lead
 * elsewhere. */
static struct bytes tidy_path(struct arena *a, struct bytes path) {
    uint8_t *out = arena_alloc(a, path.n + 1);
    size_t n = 0;
    bool is_unix = bytes_starts(path, "/");
    if (out == NULL)
        return (struct bytes){NULL, 0};
    for (size_t i = 0; i < path.n; i++) {
        bool is_dot = is_unix && path.p[i] == '.' && n > 0 && out[n - 1] == '/' &&
                      (i + 1 == path.n || path.p[i + 1] == '/');
        bool is_double = is_slash(path.p[i]) && n > 0 && is_slash(out[n - 1]) &&
                         (is_unix ? path.p[i] == '/' : n > 1);
        if (!is_dot && !is_double)
            out[n++] = path.p[i];
    }
    size_t root = has_drive(path) ? 3 : 1;
    while (n > root && is_slash(out[n - 1]) && (!is_unix || out[n - 1] == '/'))
        n--;
    return bytes_of(out, n);
}

/* Takes a word and the slash behind it, whatever their case. */
static bool take_word(struct bytes *rest, const char *word) {
    size_t n = strlen(word);
    if (!bytes_is_nocase(bytes_part(*rest, 0, n), word) || rest->n <= n || !is_slash(rest->p[n]))
        return false;
    *rest = bytes_part(*rest, n + 1, rest->n);
    return true;
}

/* Stores have names without regard to case: capitals are their one form. */
static enum err read_store(const struct token *t) {
    struct bytes rest = bytes_part(t->whole, sizeof store_prefix - 1, t->whole.n);
    if (rest.n > 0 && is_slash(rest.p[0])) /* as PowerShell writes it */
        rest = bytes_part(rest, 1, rest.n);
    bool is_user = take_word(&rest, "CurrentUser");
    if (!is_user)
        take_word(&rest, "LocalMachine");
    char key[STORE_KEY_MAX];
    int n =
        snprintf(key, sizeof key, "%s%s%.*s", store_prefix, is_user ? "CurrentUser\\" : "",
                 (int)(rest.n < STORE_NAME_MAX ? rest.n : STORE_NAME_MAX), (const char *)rest.p);
    for (size_t i = 0; i < rest.n; i++)
        if (!ascii_is_alnum(rest.p[i]) && rest.p[i] != '-' && rest.p[i] != '_')
            rest.n = 0;
    if (rest.n == 0 || rest.n > STORE_NAME_MAX)
        return refuse(t, "is no certificate store (cert:MY, cert:ROOT, cert:CurrentUser\\MY)");
    for (int i = n - (int)rest.n; i < n; i++)
        key[i] = (char)(key[i] >= 'a' && key[i] <= 'z' ? key[i] - 'a' + 'A' : key[i]);
    t->out->kind = MODEL_TARGET_PATH;
    t->out->key = arena_copy(t->arena, bytes_text(key));
    return t->out->key.p != NULL ? ERR_OK : no_memory(t);
}

static enum err read_path(const struct token *t) {
    if (model_path_is_store(t->whole))
        return read_store(t);
    for (size_t i = 0; i < t->whole.n; i++)
        if (t->whole.p[i] < 0x20 || t->whole.p[i] == 0x7f)
            return refuse(t, "holds a control character");
    if (!is_path(t->whole))
        return refuse(t, "is no absolute path");
    if (!utf8_valid(t->whole))
        return refuse(t, "is not UTF-8");
    t->out->kind = MODEL_TARGET_PATH;
    t->out->key = tidy_path(t->arena, t->whole);
    return t->out->key.p != NULL ? ERR_OK : no_memory(t);
}

/* Ranges and addresses. */

static enum err set_range(const struct token *t, const struct ip_range *r) {
    char text[IP_RANGE_TEXT_MAX];
    bool is_one = ip_equal(&r->first, &r->last);
    t->out->kind = is_one ? MODEL_TARGET_ADDRESS : MODEL_TARGET_RANGE;
    t->out->range = *r;
    t->out->key = arena_copy(t->arena, bytes_text(ip_range_write(r, text)));
    return t->out->key.p != NULL ? ERR_OK : no_memory(t);
}

static bool looks_like_range(struct bytes b) {
    struct ip ip;
    size_t n = first_of(b, "/-");
    return n < b.n && ip_read(bytes_part(b, 0, n), &ip);
}

static enum err read_range(const struct token *t) {
    struct ip_range r;
    if (!(t->forms & MODEL_FORM_RANGE))
        return refuse(t, "is a range of addresses: give it with --ips");
    if (!ip_range_read(t->whole, &r))
        return refuse(
            t, "is no address, CIDR (198.51.100.0/24) or range of whole addresses (a-b, a first)");
    return set_range(t, &r);
}

/* Hosts. */

static enum err put_port(const struct token *t, uint16_t port) {
    struct model_port_range *range = arena_alloc(t->arena, sizeof *range);
    if (range == NULL)
        return no_memory(t);
    *range = (struct model_port_range){port, port};
    t->out->has_ports = true;
    t->out->ports = (struct model_ports){range, 1};
    return ERR_OK;
}

static enum err set_port(const struct token *t, struct bytes digits) {
    uint64_t port;
    if (!(t->forms & MODEL_FORM_PORT))
        return refuse(t, "has a port: give it with --ports");
    if (!number_read(digits, 65535, &port) || port == 0)
        return refuse(t, "has no port from 1 to 65535");
    return put_port(t, (uint16_t)port);
}

static enum err set_name(const struct token *t, struct bytes host) {
    struct fault why;
    struct buf name;
    if (!(t->forms & MODEL_FORM_NAME))
        return refuse(t, "is no address: names are given with --servers");
    if (looks_like_range(host)) /* so that each word has one reading, wherever it stands */
        return refuse(t, "is no host: it reads like a range");
    buf_init(&name, 4 * MODEL_NAME_MAX + 64);
    enum err e = model_name_read(host, &name, &why);
    if (e == ERR_OK) {
        t->out->kind = MODEL_TARGET_NAME;
        t->out->key = arena_copy(t->arena, buf_bytes(&name));
        e = t->out->key.p != NULL ? ERR_OK : no_memory(t);
    } else {
        char text[FAULT_DETAIL_MAX + 16] = "is no host: ";
        size_t n = strlen(text), m = strlen(why.detail);
        memcpy(text + n, why.detail, m + 1 < sizeof text - n ? m + 1 : sizeof text - n);
        text[sizeof text - 1] = '\0';
        e = e == ERR_USAGE ? refuse(t, text) : fault_set(t->fault, e, "target", "%s", "");
    }
    buf_clear(&name);
    return e;
}

static enum err set_host(const struct token *t, struct bytes host) {
    struct ip ip;
    if (!ip_read(host, &ip))
        return set_name(t, host);
    if (!(t->forms & MODEL_FORM_ADDRESS))
        return refuse(t, "is an address");
    ip = ip_unmapped(&ip);
    return set_range(t, &(struct ip_range){ip, ip});
}

/* [v6], [v6]:port */
static enum err read_bracketed(const struct token *t, struct bytes text) {
    size_t end = first_of(text, "]");
    struct bytes inner = bytes_part(text, 1, end - 1), rest = bytes_part(text, end + 1, text.n);
    struct ip ip;
    if (end == text.n || !ip_read(inner, &ip) || ip.size != 16 || (rest.n > 0 && rest.p[0] != ':'))
        return refuse(t, "is no IPv6 address with a port ([2001:db8::1]:443)");
    enum err e = set_host(t, inner);
    return e == ERR_OK && rest.n > 0 ? set_port(t, bytes_part(rest, 1, rest.n)) : e;
}

static enum err read_host(const struct token *t, struct bytes text) {
    struct ip ip;
    size_t colon = first_of(text, ":");
    if (bytes_starts(text, "["))
        return read_bracketed(t, text);
    if (colon == text.n || ip_read(text, &ip))
        return set_host(t, text);
    struct bytes rest = bytes_part(text, colon + 1, text.n);
    if (has(text, "%"))
        return refuse(t, "has a zone, which is not supported");
    if (has(rest, ":"))
        return refuse(t, "is no address; an IPv6 address with a port is written [2001:db8::1]:443");
    enum err e = set_host(t, bytes_part(text, 0, colon));
    return e == ERR_OK ? set_port(t, rest) : e;
}

/* imap://host is its port 143; imap://host:1143 is IMAP there too. */
static enum err take_scheme(const struct token *t, struct bytes scheme) {
    enum model_protocol protocol;
    uint16_t port;
    if (!model_scheme_read(scheme, &protocol, &port))
        return ERR_OK;
    enum err e = t->out->has_ports ? ERR_OK : put_port(t, port);
    if (e == ERR_OK && model_protocol_of_port(t->out->ports.ranges[0].first) != protocol)
        t->out->protocol = protocol;
    return e;
}

/* What is between the scheme (and who logs in) and the path. */
static enum err read_url(const struct token *t, bool *dropped) {
    struct token host = *t;
    struct bytes rest = t->whole;
    size_t scheme = bytes_find(rest, bytes_text("://"));
    if (!(t->forms & MODEL_FORM_URL))
        return refuse(t, "is a URL: give it with --servers");
    if (scheme != SIZE_MAX)
        rest = bytes_part(rest, scheme + 3, rest.n);
    struct bytes authority = bytes_part(rest, 0, first_of(rest, "/?#"));
    *dropped = rest.n > authority.n + 1; /* a slash alone says nothing */
    for (size_t at = first_of(authority, "@"); at < authority.n; at = first_of(authority, "@")) {
        authority = bytes_part(authority, at + 1, authority.n);
        host.whole = authority; /* messages never repeat a password */
        *dropped = true;
    }
    if (authority.n > 0 && authority.p[authority.n - 1] == ':')
        authority.n--; /* RFC 3986, 3.2.3: an empty port is none */
    enum err e = read_host(&host, authority);
    return e == ERR_OK && scheme != SIZE_MAX ? take_scheme(t, bytes_part(t->whole, 0, scheme)) : e;
}

enum err model_target_read(struct arena *a, struct bytes token, unsigned forms,
                           struct model_target *out, bool *dropped, struct fault *f) {
    struct model_target target = {.kind = MODEL_TARGET_NAME};
    struct token t = {a, token, forms, &target, f};
    bool is_cut = false;
    enum err e;
    if (token.n == 0 || token.n > TOKEN_MAX)
        return refuse(&t, token.n == 0 ? "is empty" : "is too long");
    if ((forms & MODEL_FORM_PATH) && (forms == MODEL_FORM_PATH || is_path(token)))
        e = read_path(&t);
    else if (is_path(token))
        e = refuse(&t, "is a path: give it with --paths");
    else if (looks_like_range(token))
        e = read_range(&t);
    else if (has(token, "/"))
        e = read_url(&t, &is_cut);
    else
        e = read_host(&t, token);
    if (e == ERR_OK)
        *out = target;
    if (dropped != NULL)
        *dropped = is_cut;
    return e;
}

/* True where the range holds more than IPv4-mapped addresses, and those too: an
 * exclusion of IPv4 addresses could be walked around through it. */
static bool hides_mapped(const struct ip_range *r) {
    struct ip_range mapped;
    struct ip low = {.size = 16}, high = {.size = 16};
    memset(low.bytes + 10, 0xff, 2);
    memset(high.bytes + 10, 0xff, 6);
    mapped = (struct ip_range){low, high};
    return r->first.size == 16 && ip_compare(&r->first, &mapped.last) <= 0 &&
           ip_compare(&mapped.first, &r->last) <= 0;
}

enum err model_target_check(const struct model_target *t, struct fault *f) {
    char text[28];
    uint64_t n = 1;
    int shown = t->key.n < SHOWN_MAX ? (int)t->key.n : SHOWN_MAX;
    const char *key = (const char *)t->key.p;
    if (t->kind != MODEL_TARGET_RANGE)
        return ERR_OK;
    if (!ip_range_count(&t->range, &n) || n > MODEL_ADDRESSES_LARGE_MAX)
        return fault_set(f, ERR_USAGE, "target",
                         "%.*s has more than 2^40 addresses: no scan of it would end", shown, key);
    if (n > MODEL_ADDRESSES_MAX && !t->is_large_wanted)
        return fault_set(
            f, ERR_USAGE, "target",
            "%.*s has %s addresses, more than 1,048,576: add --yes-large if you mean it", shown,
            key, number_grouped(n, text));
    if (hides_mapped(&t->range))
        return fault_set(f, ERR_USAGE, "target",
                         "%.*s holds IPv4 addresses (::ffff:0:0/96): give those as IPv4", shown,
                         key);
    return ERR_OK;
}

enum err model_target_check_joined(const struct model_target *a, const struct model_target *b,
                                   struct fault *f) {
    int shown = a->key.n < SHOWN_MAX ? (int)a->key.n : SHOWN_MAX;
    if (a->protocol == b->protocol)
        return ERR_OK;
    return fault_set(f, ERR_USAGE, "target",
                     "%.*s with two protocols: a target has one, so name one in a command", shown,
                     (const char *)a->key.p);
}

/* Exclusions. */

bool model_excluded(const struct model_exclusions *x, struct bytes host, const struct ip *ip,
                    uint16_t port) {
    struct ip from_text;
    if ((ip == NULL || ip->size == 0) && ip_read(host, &from_text))
        ip = &from_text;
    for (size_t i = 0; i < x->n; i++) {
        const struct model_target *t = &x->items[i];
        bool is_here = false;
        if (t->kind == MODEL_TARGET_NAME)
            is_here = bytes_equal(t->key, host);
        else if (t->kind != MODEL_TARGET_PATH && ip != NULL)
            is_here = ip_range_has(&t->range, ip);
        if (is_here && (!t->has_ports || model_ports_has(&t->ports, port)))
            return true;
    }
    return false;
}

bool model_excluded_path(const struct model_exclusions *x, struct bytes path) {
    for (size_t i = 0; i < x->n; i++) {
        struct bytes key = x->items[i].key, below = bytes_part(path, key.n, 1);
        if (x->items[i].kind != MODEL_TARGET_PATH || !bytes_equal(bytes_part(path, 0, key.n), key))
            continue;
        if (path.n == key.n || is_slash(below.p[0]) || (key.n > 0 && is_slash(key.p[key.n - 1])))
            return true;
    }
    return false;
}
