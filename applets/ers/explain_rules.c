/* What is wrong with what was found, and the one command for it. See explain.h. */
#include "applets/ers/explain.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { TEXT_MAX = 600, SOON_DAYS = 30, RSA_BITS_MIN = 2048, ALERT_NO_SUCH_NAME = 112 };

static const char renew[] = "ers request --dns %s --out DIR --reload COMMAND";

bool explain_has_certificate(const struct explain *x) {
    for (const struct explain_face *f = x->faces; f; f = f->next)
        if (f->leaf)
            return true;
    return false;
}

static const char *days_text(int64_t days, char out[40]) {
    snprintf(out, 40, "%lld day%s", (long long)days, days == 1 ? "" : "s");
    return out;
}

/* ---- endpoints without a certificate ---- */

/* clang-format off */
static const struct {
    enum model_outcome outcome;
    const char *rule, *text, *command; /* %s: host, %u: port */
} failures[] = {
    {MODEL_DNS_ERROR,      "no-address",     "the name leads to no address from here",             "getent ahosts %s"},
    {MODEL_REFUSED,        "nothing-there",  "nothing listens on that port",                       "ers discover --servers %s --ports PORTS"},
    {MODEL_TIMEOUT,        "silent",         "no answer in time: a firewall, or a slow server",    "ers explain %s:%u --timeout 30s"},
    {MODEL_UNREACHABLE,    "unreachable",    "no way there from this host",                        "ip route get %s"},
    {MODEL_NOT_TLS,        "other-protocol", "something else than TLS is spoken there",            "ers explain %s:%u --protocol smtp"},
    {MODEL_NOT_OFFERED,    "not-offered",    "the server does not offer TLS: switch it on there",  "ers explain %s:%u"},
    {MODEL_RESET,          "reset",          "the server, or something on the way, cuts the connection", "ers explain %s:%u --timeout 30s"},
    {MODEL_CLOSED,         "closed",         "the server ends the connection without an answer",   "ers explain %s:%u --timeout 30s"},
    {MODEL_UNSUPPORTED,    "unsupported",    "only SSLv3: renew the server; or a group that we lack: let it take X25519 too", ""},
    {MODEL_TLS_ERROR,      "malformed",      "what the server sends is no sound TLS",              "openssl s_client -connect %s:%u"},
    {MODEL_TLS_ALERT,      "refused-hello",  "the server refuses this hello",                      "openssl s_client -connect %s:%u"},
    {MODEL_NO_CERTIFICATE, "no-certificate", "the server has no certificate: configure one",       renew},
    {MODEL_EXCLUDED,       "excluded",       "the targets file excludes it",                       "ers discover --list"},
    {MODEL_LOCAL,          "local",          "a fault of this host",                               ""},
};
/* clang-format on */

static void fill(const struct explain *x, const char *command, char out[TEXT_MAX]) {
    struct cur c = cur_open(bytes_text(command));
    size_t n = 0;
    out[0] = '\0';
    while (c.rest.n > 0 && n + 1 < TEXT_MAX) {
        struct bytes plain = cur_until(&c, '%');
        n += (size_t)snprintf(out + n, TEXT_MAX - n, "%.*s", (int)plain.n, (const char *)plain.p);
        if (c.rest.n == 0 || n >= TEXT_MAX)
            break;
        bool is_host = cur_u8(&c) == 's';
        bool is_v6 = strchr(x->host, ':') != NULL && bytes_starts(c.rest, ":");
        if (is_host)
            n += (size_t)snprintf(out + n, TEXT_MAX - n, is_v6 ? "[%s]" : "%s", x->host);
        else
            n += (size_t)snprintf(out + n, TEXT_MAX - n, "%u", x->port);
    }
}

static void judge_failure(struct explain *x, const struct explain_face *f,
                          explain_rule_told *tell) {
    char command[TEXT_MAX];
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].outcome != f->outcome)
            continue;
        fill(x, failures[i].command, command);
        tell(x, failures[i].rule, failures[i].text, command);
        return;
    }
}

/* ---- certificates ---- */

static void judge_dates(struct explain *x, const struct explain_cert *c, explain_rule_told *tell) {
    char text[TEXT_MAX], command[TEXT_MAX], days[40];
    int64_t now_s = env_now_s(x->env);
    fill(x, renew, command);
    if (!c->has_dates)
        return;
    if (c->not_after < now_s) {
        snprintf(text, sizeof text, "%s ended %s ago", c->name,
                 days_text(clock_days_between(c->not_after, now_s), days));
        tell(x, "expired", text, command);
    } else if (c->not_before > now_s) {
        snprintf(text, sizeof text, "%s begins in %s: is the clock right?", c->name,
                 days_text(clock_days_between(now_s, c->not_before), days));
        tell(x, "not-yet-valid", text, "date -u");
    } else if (clock_days_between(now_s, c->not_after) < SOON_DAYS) {
        snprintf(text, sizeof text, "%s ends in %s", c->name,
                 days_text(clock_days_between(now_s, c->not_after), days));
        tell(x, "expiring", text, command);
    }
}

static void judge_key(struct explain *x, const struct explain_cert *c, explain_rule_told *tell) {
    char text[TEXT_MAX], command[TEXT_MAX];
    fill(x, renew, command);
    if (c->is_rsa && c->bits < RSA_BITS_MIN) {
        snprintf(text, sizeof text, "%s has an RSA key of %u bits", c->name, c->bits);
        tell(x, "weak-key", text, command);
    }
    struct bytes signature = bytes_text(c->signature);
    if (bytes_find(signature, bytes_text("sha1")) != SIZE_MAX ||
        bytes_find(signature, bytes_text("SHA1")) != SIZE_MAX ||
        bytes_find(signature, bytes_text("md5")) != SIZE_MAX) {
        snprintf(text, sizeof text, "%s is signed with %s", c->name, c->signature);
        tell(x, "weak-signature", text, command);
    }
}

static void judge_cert(struct explain *x, const struct explain_face *f, explain_rule_told *tell) {
    char text[TEXT_MAX], command[TEXT_MAX];
    const struct explain_cert *c = f->leaf;
    fill(x, renew, command);
    if (!c->is_readable) {
        tell(x, "unreadable", "the certificate does not parse", command);
        return;
    }
    judge_dates(x, c, tell);
    judge_key(x, c, tell);
    if (f->asked == MODEL_ASKED_ANY && bytes_is(x->name, f->sni) && !c->fits) {
        snprintf(text, sizeof text, "%s is not for %s", c->name, f->sni);
        tell(x, "wrong-name", text, command);
    }
    if (c->is_self_issued) {
        snprintf(text, sizeof text, "%s is its own issuer: only who pins it can trust it", c->name);
        tell(x, "self-signed", text, command);
    }
}

/* ---- the server ---- */

static void judge_server(struct explain *x, const struct explain_face *f, explain_rule_told *tell) {
    char text[TEXT_MAX];
    if (f->is_unordered)
        tell(x, "chain-order", "the chain is not in order, or has what does not belong to it",
             "cat cert.pem chain.pem > fullchain.pem");
    if (f->old_version[0] && strcmp(f->old_version, "none") != 0) {
        snprintf(text, sizeof text,
                 "%s is still accepted: the server's configuration should say "
                 "TLS 1.2 at least",
                 f->old_version);
        tell(x, "old-version", text, "");
    }
    if (f->has_alert && f->alert == ALERT_NO_SUCH_NAME && f->sni[0] && bytes_is(x->name, f->sni)) {
        snprintf(text, sizeof text, "the server knows no %s", f->sni);
        tell(x, "unknown-name", text, "");
    }
}

static bool is_judged(const struct explain *x, const struct explain_face *face) {
    for (const struct explain_face *f = x->faces; f != face; f = f->next)
        if (f->leaf == face->leaf)
            return true;
    return false;
}

void explain_rules(struct explain *x, explain_rule_told *tell) {
    bool has_chain = explain_has_certificate(x), was_unordered = false;
    if (!x->faces)
        tell(x, "excluded", "the targets file excludes it", "ers discover --list");
    for (const struct explain_face *f = x->faces; f; f = f->next) {
        if (f->leaf && !is_judged(x, f))
            judge_cert(x, f, tell);
        else if (!f->leaf && !has_chain && f == x->faces)
            judge_failure(x, f, tell);
        if (f->is_unordered && was_unordered)
            continue;
        was_unordered = was_unordered || f->is_unordered;
        judge_server(x, f, tell);
    }
}
