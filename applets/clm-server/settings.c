/* server.conf and what follows from it. See server.h. */
#include "applets/clm-server/server.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

#include <string.h>

enum { WORDS_MAX = 64 };

/* clang-format off */
const struct opt_row settings_rows[] = {
    {OPT_TEXT, 0, "name",   "NAMES", offsetof(struct settings, name),
     "Names and addresses of the server, comma separated; the first goes into links"},
    {OPT_TEXT, 0, "listen", "ADDRS", offsetof(struct settings, listen),
     "Where to listen: :8443, 127.0.0.1:8443, [::1]:8443; comma separated"},
    {OPT_TEXT, 0, "cert",   "FILE",  offsetof(struct settings, cert),
     "Certificate chain of yours (PEM) in place of one by our own root"},
    {OPT_TEXT, 0, "key",    "FILE",  offsetof(struct settings, key),
     "Its private key (PEM)"},
    {OPT_TEXT, 0, "data",   "DIR",   offsetof(struct settings, data),
     "Folder of the store"},
    {OPT_TEXT, 0, "backup", "DIR", offsetof(struct settings, backup),
     "Where clm-server backup writes each night, a folder of the server's user; none: no backup"},
    {OPT_TEXT, 0, "backup_passphrase_file", "FILE",
     offsetof(struct settings, backup_passphrase_file),
     "Passphrase for the secrets in it, one line, mode 0600; none: they are left out"},
    {OPT_TEXT, 0, "retention", "TIME", offsetof(struct settings, retention),
     "Of observations, 730d: older ones that are no longer needed go with clm-server compact; none: never"},
    {OPT_TEXT, 0, "mail_to",   "ADDRS", offsetof(struct settings, mail_to),
     "Who gets the daily mail about what ends, comma separated; none: no mail"},
    {OPT_TEXT, 0, "mail_from", "ADDR",  offsetof(struct settings, mail_from),
     "Its sender, default clm@NAME"},
    {OPT_TEXT, 0, "smtp_url",  "URL",   offsetof(struct settings, smtp_url),
     "The mail server, smtp://HOST[:25] or smtps://HOST[:465], default smtp://localhost"},
    {OPT_TEXT, 0, "smtp_tls",  "required|none", offsetof(struct settings, smtp_tls),
     "STARTTLS with smtp://, default required; on this host none, unless smtp_ca is set"},
    {OPT_TEXT, 0, "smtp_user", "NAME",  offsetof(struct settings, smtp_user),
     "How to log in there"},
    {OPT_TEXT, 0, "smtp_password_file", "FILE", offsetof(struct settings, smtp_password_file),
     "Its password, one line; mode 0600, of the server's user"},
    {OPT_TEXT, 0, "smtp_ca",   "FILE",  offsetof(struct settings, smtp_ca),
     "Roots to trust it by (PEM), default the system's"},
    {OPT_END,  0, NULL,     NULL,    0, NULL},
};
/* clang-format on */

enum err settings_places(const struct opt_common *common, const char *data, struct settings *s,
                         struct fault *f) {
    const char *config = common->config ? common->config : data;
    if (!config)
        config = os_place(common->arena, OS_CONFIG);
    s->data = data ? data : os_place(common->arena, OS_SERVER_STATE);
    if (!config || !s->data)
        return fault_set(f, ERR_NOT_FOUND, "place", "no folder is known: give --data and --config");
    s->file = path_join(common->arena, config, "server.conf");
    s->profiles = path_join(common->arena, config, "profiles.conf");
    return s->file && s->profiles ? ERR_OK : fault_set(f, ERR_MEMORY, "place", "%s", config);
}

enum err settings_read(const struct opt_common *common, const char *data, struct settings *s,
                       struct fault *f) {
    *s = (struct settings){0};
    enum err code = settings_places(common, data, s, f);
    if (code != ERR_OK)
        return code;
    const char *place = s->data;
    s->data = NULL;
    if (!file_exists(s->file))
        return fault_set(f, ERR_NOT_FOUND, "no server yet, clm-server init --name NAME makes one",
                         "%s", s->file);
    code = opt_read_file(common->arena, s->file, settings_rows, s, f);
    if (data || !s->data)
        s->data = place;
    return code == ERR_OK ? settings_derive(common->arena, s, f) : code;
}

static enum err split(struct arena *a, const char *text, const char **out, size_t *n,
                      struct fault *f) {
    struct cur c = cur_open(bytes_text(text ? text : ""));
    *n = 0;
    while (c.rest.n > 0) {
        struct bytes word = bytes_trim(cur_until(&c, ','));
        if (word.n == 0)
            continue;
        if (*n == WORDS_MAX)
            return fault_set(f, ERR_USAGE, "list", "at most %d words", WORDS_MAX);
        out[(*n)++] = arena_cstr(a, word);
    }
    return ERR_OK;
}

/* A name or address in its one form. */
static enum err canonical(struct arena *a, const char **name, struct fault *f) {
    struct ip ip;
    struct fault why = {0};
    struct buf out;
    char address[IP_TEXT_MAX];
    if (ip_read(bytes_text(*name), &ip)) {
        *name = arena_cstr(a, bytes_text(ip_write(&ip, address)));
        return ERR_OK;
    }
    buf_init(&out, MODEL_NAME_MAX + 1);
    enum err code = model_name_read(bytes_text(*name), &out, &why);
    if (code == ERR_OK)
        *name = arena_cstr(a, buf_bytes(&out));
    else
        code = fault_set(f, ERR_USAGE, "name", "%s: %s", *name, why.detail);
    buf_clear(&out);
    return code;
}

/* The part of a listen word before its last colon, and the port behind it. */
static bool split_port(struct bytes word, struct bytes *host, unsigned *port) {
    uint64_t n;
    size_t colon = word.n;
    while (colon > 0 && word.p[colon - 1] != ':')
        colon--;
    if (colon == 0 || !number_read(bytes_part(word, colon, SIZE_MAX), 65535, &n))
        return false;
    *host = bytes_part(word, 0, colon - 1);
    *port = (unsigned)n;
    return true;
}

/* Nothing, an IPv4 address, an IPv6 address in brackets. Names are not looked up. */
static bool is_listen_host(struct bytes host) {
    struct ip ip;
    bool bracketed = bytes_starts(host, "[");
    if (host.n == 0)
        return true;
    if (bracketed && (host.n < 2 || host.p[host.n - 1] != ']'))
        return false;
    if (bracketed)
        host = bytes_part(host, 1, host.n - 2);
    return ip_read(host, &ip) && (ip.size == 16) == bracketed;
}

static enum err check_listens(const struct settings *s, struct fault *f) {
    struct bytes host;
    unsigned port;
    for (size_t i = 0; i < s->listens_n; i++) {
        if (!split_port(bytes_text(s->listens[i]), &host, &port) || !is_listen_host(host))
            return fault_set(f, ERR_USAGE, "listen",
                             "%s is not :8443, 127.0.0.1:8443 or [::1]:8443", s->listens[i]);
    }
    return ERR_OK;
}

unsigned settings_port(const struct settings *s) {
    struct bytes host;
    unsigned port;
    return split_port(bytes_text(s->listens[0]), &host, &port) ? port : 0;
}

enum err settings_derive(struct arena *a, struct settings *s, struct fault *f) {
    s->names = arena_array(a, WORDS_MAX, sizeof *s->names);
    s->listens = arena_array(a, WORDS_MAX, sizeof *s->listens);
    if (!s->names || !s->listens)
        return fault_set(f, ERR_MEMORY, "settings", "lists");
    enum err code = split(a, s->name, s->names, &s->names_n, f);
    if (code == ERR_OK)
        code = split(a, s->listen, s->listens, &s->listens_n, f);
    for (size_t i = 0; i < s->names_n && code == ERR_OK; i++)
        code = canonical(a, &s->names[i], f);
    if (code == ERR_OK && s->names_n == 0)
        code =
            fault_set(f, ERR_USAGE, "name", "the server needs one, as agents and browsers call it");
    if (code == ERR_OK && s->listens_n == 0)
        code = fault_set(f, ERR_USAGE, "listen", "an address is wanted, such as :8443");
    if (code == ERR_OK)
        code = check_listens(s, f);
    if (code == ERR_OK && !s->cert != !s->key)
        code = fault_set(f, ERR_USAGE, s->cert ? "key" : "cert", "cert and key go together");
    return code;
}

char *settings_url(struct arena *a, const struct settings *s, unsigned port) {
    struct buf out;
    bool is_v6 = strchr(s->names[0], ':') != NULL;
    buf_init(&out, 512);
    buf_printf(&out, "https://%s%s%s", is_v6 ? "[" : "", s->names[0], is_v6 ? "]" : "");
    if (port != 443)
        buf_printf(&out, ":%u", port);
    char *url = arena_cstr(a, buf_bytes(&out));
    buf_clear(&out);
    return url;
}

char *settings_path(struct arena *a, const struct settings *s, const char *name) {
    return path_join(a, s->data, name);
}

enum err settings_secret(const char *key, const char *path, struct buf *out, struct fault *f) {
    if (!file_exists(path))
        return fault_set(f, ERR_NOT_FOUND, key, "%s", path);
    if (!os_file_is_private(path))
        return fault_set(f, ERR_PERMISSION, key, "%s can be read by others: chmod 600 it", path);
    enum err code = file_read(path, out, f);
    if (code != ERR_OK)
        return code;
    while (out->n > 0 && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
        out->n--;
    for (size_t i = 0; i < out->n; i++)
        if (out->p[i] < 0x20)
            return fault_set(f, ERR_FORMAT, key, "%s: one line is wanted", path);
    return out->n > 0 ? ERR_OK : fault_set(f, ERR_FORMAT, key, "%s is empty", path);
}

enum err settings_retention(const struct settings *s, uint64_t *ms, struct fault *f) {
    enum { DAY_MS = 24 * 60 * 60 * 1000 };
    if (duration_read(bytes_text(s->retention), ms) && *ms >= DAY_MS && *ms / 1000 <= INT32_MAX)
        return ERR_OK;
    return fault_set(f, ERR_USAGE, "retention",
                     "%s in %s: a time of a day or more is expected: 730d", s->retention, s->file);
}
