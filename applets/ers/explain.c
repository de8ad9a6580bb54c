/* ers explain: one endpoint, step by step: what was tried, what was found, which rule
 * fires, and the command that mends it. A look like any other: exclusions hold, nothing is
 * remembered or pushed. The rules are in explain_rules.c.
 */
#include "applets/ers/explain.h"
#include "applets/ers/ers.h"
#include "applets/ers/targets.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct explain_options {
    const char *sni, *connect, *protocol;
    uint64_t timeout_ms;
};

enum { TEXT_MAX = 4096, ARENA_MAX = 64 << 20 };

static void defaults(void *options) {
    ((struct explain_options *)options)->timeout_ms = probe_limits_default().timeout_ms;
}

/* ---- what the probe tells ---- */

static const char *kept(struct explain *x, struct bytes foreign) {
    struct buf safe;
    buf_init(&safe, 4 * TEXT_MAX);
    text_escape(&safe, bytes_part(foreign, 0, TEXT_MAX));
    const char *text = arena_cstr(&x->arena, buf_bytes(&safe));
    buf_clear(&safe);
    return text ? text : "";
}

static const char *name_text(struct explain *x, struct bytes name) {
    struct buf text;
    buf_init(&text, 64 * 1024);
    x509_name_text(name, &text);
    const char *shown = kept(x, buf_bytes(&text));
    buf_clear(&text);
    return shown;
}

/* Names compare by their bytes: a chain in use has them equal. */
static void hash_name(struct bytes name, uint8_t out[SHA256_SIZE]) {
    hash_of(HASH_SHA256, name, out);
}

static void on_certificate(void *context, const struct probe_certificate *known,
                           const struct x509_cert *cert, struct bytes der, const struct fault *f) {
    struct explain *x = context;
    struct explain_cert *c = arena_alloc(&x->arena, sizeof *c);
    (void)der;
    (void)f;
    if (!c)
        return;
    memcpy(c->sha256, known->sha256, SHA256_SIZE);
    c->name = kept(x, bytes_text(known->name));
    c->next = x->certs;
    x->certs = c;
    if (!cert)
        return;
    c->is_readable = true;
    c->has_dates = cert->has_not_before && cert->has_not_after;
    c->not_before = cert->not_before;
    c->not_after = cert->not_after;
    c->is_self_issued = cert->self_issued;
    c->is_rsa = cert->key.modulus.n > 0;
    c->bits = cert->key.bits;
    c->algorithm = kept(x, bytes_text(cert->key.algorithm));
    c->signature = kept(x, bytes_text(cert->signature_algorithm));
    c->issuer = name_text(x, cert->issuer);
    c->fits = x->name.n > 0 && x509_cert_matches_host(cert, x->name);
    hash_name(cert->subject, c->subject_hash);
    hash_name(cert->issuer, c->issuer_hash);
}

static const struct explain_cert *find(const struct explain *x, const uint8_t *sha256) {
    const struct explain_cert *c = x->certs;
    while (c && memcmp(c->sha256, sha256, SHA256_SIZE) != 0)
        c = c->next;
    return c;
}

static void keep_face(struct explain *x, const struct model_observation *o) {
    char ip[IP_TEXT_MAX];
    struct explain_face *face = arena_alloc(&x->arena, sizeof *face);
    if (!face)
        return;
    face->address = o->ip.size > 0 ? kept(x, bytes_text(ip_write(&o->ip, ip))) : "";
    face->sni = kept(x, o->sni);
    face->asked = o->asked;
    face->outcome = o->outcome;
    face->has_alert = o->has_alert;
    face->alert = o->alert;
    face->detail = kept(x, o->detail);
    face->old_version = kept(x, o->tls.old_version);
    face->leaf = o->chain_n > 0 ? find(x, o->chain[0].bytes) : NULL;
    for (size_t i = 0; i + 1 < o->chain_n; i++) {
        const struct explain_cert *below = find(x, o->chain[i].bytes),
                                  *above = find(x, o->chain[i + 1].bytes);
        if (below && above && memcmp(below->issuer_hash, above->subject_hash, SHA256_SIZE) != 0)
            face->is_unordered = true;
    }
    *x->faces_end = face;
    x->faces_end = &face->next;
}

static void on_observation(void *context, const struct model_observation *o,
                           struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    (void)endpoint;
    (void)leaf;
    keep_face(context, o);
}

static void put_json(struct explain *x, const char *type, const char *address, const char *rule,
                     const char *text, const char *command) {
    struct json j = json_to(&x->line);
    buf_reset(&x->line);
    json_object(&j, NULL);
    json_text(&j, "type", type);
    if (address)
        json_text(&j, "address", address[0] ? address : NULL);
    if (rule)
        json_text(&j, "rule", rule);
    json_text(&j, "text", text);
    if (command)
        json_text(&j, "command", command[0] ? command : NULL);
    json_end(&j, '}');
    fprintf(x->env->out, "%s\n", buf_cstr(&x->line));
}

static void on_step(void *context, const struct probe_step *step) {
    struct explain *x = context;
    char ip[IP_TEXT_MAX] = "";
    if (step->ip.size > 0)
        ip_write(&step->ip, ip);
    const char *text = kept(x, bytes_text(step->text));
    if (x->json)
        put_json(x, "step", ip, NULL, text, NULL);
    else
        fprintf(x->env->out, "  %s%s%s\n", ip, ip[0] ? "  " : "", text);
    fflush(x->env->out);
}

/* ---- what was found ---- */

static void put_cert(const struct explain *x, const struct explain_cert *c) {
    char hex[2 * SHA256_SIZE + 1], time[CLOCK_TEXT_MAX];
    hex_write(hex, bytes_of(c->sha256, SHA256_SIZE));
    fprintf(x->env->out, "  %s  %s", hex, c->name);
    if (c->has_dates)
        fprintf(x->env->out, ", until %.10s (%lld days), %s %u, issued by %s",
                clock_write(c->not_after, time),
                (long long)clock_days_between(env_now_s(x->env), c->not_after), c->algorithm,
                c->bits, c->is_self_issued ? "itself" : c->issuer);
    fprintf(x->env->out, "\n");
}

static void put_faces(const struct explain *x, const struct explain_cert *c) {
    static const char *const kinds[] = {
        [MODEL_ASKED_ANY] = "",
        [MODEL_ASKED_RSA] = ", RSA asked for",
        [MODEL_ASKED_ECDSA] = ", ECDSA asked for",
        [MODEL_ASKED_ML_DSA] = ", ML-DSA asked for",
    };
    for (const struct explain_face *f = x->faces; f; f = f->next)
        if (f->leaf == c)
            fprintf(x->env->out, "    at %s, %s%s%s\n", f->address, f->sni[0] ? "for " : "no name",
                    f->sni, kinds[f->asked]);
}

static void show_found(const struct explain *x) {
    fprintf(x->env->out, "found\n");
    for (const struct explain_face *f = x->faces; f; f = f->next) {
        bool is_first = f->leaf != NULL;
        for (const struct explain_face *e = x->faces; e != f; e = e->next)
            is_first = is_first && e->leaf != f->leaf;
        if (!is_first)
            continue;
        put_cert(x, f->leaf);
        put_faces(x, f->leaf);
    }
    if (!x->faces || !explain_has_certificate(x))
        fprintf(x->env->out, "  no certificate\n");
}

static void on_rule(struct explain *x, const char *rule, const char *text, const char *command) {
    if (x->json)
        put_json(x, "rule", NULL, rule, text, command);
    else
        fprintf(x->env->out, "  %s: %s\n%s%s%s", rule, text, command[0] ? "      " : "", command,
                command[0] ? "\n" : "");
    x->rules_n++;
}

static void show(struct explain *x) {
    if (!x->json) {
        show_found(x);
        fprintf(x->env->out, "rules\n");
    }
    explain_rules(x, on_rule);
    if (x->rules_n == 0 && !x->json)
        fprintf(x->env->out, "  none fires\n");
}

/* ---- the look ---- */

/* As configured, where it is; the port of the line wins, else 443. */
static enum err read_target(struct explain *x, const struct explain_options *o,
                            const struct model_target_file *file, struct model_target *t,
                            struct fault *f) {
    struct arena *a = x->common->arena;
    if (x->common->words.n != 1)
        return fault_set(f, ERR_USAGE, "endpoint", "one HOST or HOST:PORT is wanted");
    enum err err = model_target_read(a, bytes_text(x->common->words.items[0]), MODEL_FORMS_SERVERS,
                                     t, NULL, f);
    if (err)
        return err;
    const struct model_target *own = model_target_file_find(file, t->key);
    if (own) {
        t->protocol = own->protocol;
        t->sni = own->sni;
    }
    if (!t->has_ports && own && own->has_ports)
        t->ports = own->ports;
    else if (!t->has_ports && (err = model_ports_read(a, bytes_text("443"), &t->ports, f)))
        return err;
    t->has_ports = true;
    if (o->protocol && !model_protocol_read(bytes_text(o->protocol), &t->protocol))
        return fault_set(f, ERR_USAGE, "--protocol", "\"%.60s\"", o->protocol);
    return ERR_OK;
}

static enum err read_options(const struct explain *x, const struct explain_options *o,
                             struct probe_plan *plan, struct fault *f) {
    struct buf name;
    if (o->connect && !ip_read(bytes_text(o->connect), &plan->connect))
        return fault_set(f, ERR_USAGE, "--connect", "\"%.60s\" is no address", o->connect);
    if (!o->sni)
        return ERR_OK;
    buf_init(&name, 512);
    enum err err = model_name_read(bytes_text(o->sni), &name, f);
    if (err)
        f->what = "--sni";
    plan->sni = arena_copy(x->common->arena, buf_bytes(&name));
    buf_clear(&name);
    return err;
}

static enum err look(struct explain *x, const struct explain_options *o, struct fault *f) {
    struct ers_places places;
    struct model_target_file file;
    struct model_target target;
    struct model_summary summary;
    bool complete;
    enum err err = ers_places_find(x->common, &places, f);
    if (!err)
        err = ers_targets_read(x->common, &places, &file, f);
    if (!err)
        err = read_target(x, o, &file, &target, f);
    if (err)
        return err;
    struct model_exclusions exclusions = model_target_file_exclusions(&file);
    struct probe_plan plan = {.targets = &target,
                              .targets_n = 1,
                              .default_ports = target.ports,
                              .exclusions = &exclusions,
                              .faces = PROBE_FACES_FULL,
                              .scan = bytes_text("explain")};
    if ((err = read_options(x, o, &plan, f)) != ERR_OK)
        return err;
    x->host = arena_cstr(x->common->arena, target.key);
    x->port = target.ports.ranges[0].first;
    x->name = plan.sni.n > 0 ? plan.sni : target.sni.n > 0 ? target.sni : target.key;
    struct probe_limits limits = probe_limits_default();
    struct probe_watch watch = {.context = x,
                                .certificate = on_certificate,
                                .observation = on_observation,
                                .step = on_step};
    limits.timeout_ms = o->timeout_ms;
    limits.per_host = 1; /* one after the other: so that it can be followed */
    if (!x->json)
        fprintf(x->env->out, "tried\n");
    return probe_run(x->env, &plan, &limits, &watch, &summary, &complete, f);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct explain x = {.env = env, .common = common, .json = common->json};
    struct fault f = {0};
    x.faces_end = &x.faces;
    arena_init(&x.arena, ARENA_MAX);
    buf_init(&x.line, 1 << 20);
    enum err err = look(&x, options, &f);
    if (!err)
        show(&x);
    buf_clear(&x.line);
    arena_clear(&x.arena);
    return err ? opt_fail(env, common, &f) : 0;
}

#define AT(member) offsetof(struct explain_options, member)
static const struct opt_row rows[] = {
    {OPT_TEXT,     0, "sni",      "NAME", AT(sni),        "Ask for this name alone"                      },
    {OPT_TEXT,     0, "connect",  "ADDR", AT(connect),    "Connect to this address instead of looking up"},
    {OPT_TEXT,     0, "protocol", "P",    AT(protocol),   "What is spoken there"                         },
    {OPT_DURATION, 0, "timeout",  "TIME", AT(timeout_ms), "For one face (5s)"                            },
    {OPT_END,      0, NULL,       NULL,   0,              NULL                                           },
};
#undef AT

const struct opt_command ers_explain = {
    .name = "explain",
    .arguments = "HOST[:PORT]",
    .summary = "tell step by step what an endpoint answers, and what to do",
    .examples = "ers explain web.example.com\n"
                "ers explain mail.example.com:587\n"
                "ers explain web.example.com --connect 192.0.2.7    (one node)",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct explain_options),
    .defaults = defaults,
    .run = run,
};
