/* ers discover: says what is to be looked at. It never scans and needs no network.
 *
 * First all words are read into a plan, then the plan is applied to the targets
 * file under its lock; a bad word ends the command before anything is written.
 * What is said about it is in discover_say.c.
 */
#include "applets/ers/discover.h"
#include "applets/ers/ers.h"

#include "base/text.h"

#include <string.h>

enum { ARENA_MAX = 512 << 20 };

/* ---- reading the words ---- */

/* Joins what two words say about the same target. */
static enum err join_ports(struct discover *d, const struct model_target *known,
                           struct model_target *t) {
    if (!known->has_ports)
        return ERR_OK;
    if (!t->has_ports) {
        t->has_ports = true;
        t->ports = known->ports;
        return ERR_OK;
    }
    enum err e = model_ports_join(d->arena, &known->ports, &t->ports, &t->ports);
    return e == ERR_OK ? ERR_OK : fault_set(d->fault, e, "ports", "%s", "");
}

/* Exclusions only ever grow: one without ports is the whole host. */
static enum err join_excluded(struct discover *d, const struct model_target *known,
                              struct model_target *t) {
    if (known->has_ports && t->has_ports)
        return join_ports(d, known, t);
    t->has_ports = false;
    t->ports = (struct model_ports){NULL, 0};
    return ERR_OK;
}

static enum err want(struct discover *d, struct model_target *t) {
    const struct model_target *known = model_target_file_find(&d->plan.wanted, t->key);
    enum err e = known != NULL ? model_target_check_joined(known, t, d->fault) : ERR_OK;
    if (e == ERR_OK && known != NULL)
        e = join_ports(d, known, t);
    return e == ERR_OK ? model_target_file_put(&d->plan.wanted, t, d->fault) : e;
}

static enum err want_excluded(struct discover *d, struct model_target *t) {
    const struct model_target *known = model_target_file_find_excluded(&d->plan.wanted, t->key);
    enum err e = known != NULL ? join_excluded(d, known, t) : ERR_OK;
    return e == ERR_OK ? model_target_file_put_excluded(&d->plan.wanted, t, d->fault) : e;
}

static void note_dropped(const struct discover *d, const struct model_target *t) {
    if (d->common->quiet)
        return;
    fprintf(d->env->err, "note     only %.*s", (int)t->key.n, (const char *)t->key.p);
    if (t->has_ports)
        fprintf(d->env->err, ":%u", (unsigned)t->ports.ranges[0].first);
    fputs(" of the URL is kept\n", d->env->err);
}

/* An option whose items are targets. */
struct source {
    const char *option; /* for messages */
    unsigned forms;     /* enum model_form */
    enum model_blanks blanks;
    bool is_excluded;
};

static enum err take_item(struct discover *d, const struct source *s, struct bytes item) {
    struct model_target t;
    bool dropped;
    enum err e = model_target_read(d->arena, item, s->forms, &t, &dropped, d->fault);
    if (e != ERR_OK)
        return e;
    if (t.kind == MODEL_TARGET_PATH && model_path_is_store(t.key) && !os_has_stores &&
        !d->options->is_remove)
        return fault_set(d->fault, ERR_USAGE, "--paths",
                         "\"%.*s\": this system has no certificate stores of its own", (int)t.key.n,
                         (const char *)t.key.p);
    if (dropped)
        note_dropped(d, &t);
    return s->is_excluded ? want_excluded(d, &t) : want(d, &t);
}

static enum err take_list(struct discover *d, const struct source *s, const struct opt_list *list) {
    struct model_items items = {NULL, 0, 0};
    enum err e = ERR_OK;
    for (size_t i = 0; i < list->n && e == ERR_OK; i++)
        e = model_list_read(d->arena, bytes_text(list->items[i]), s->blanks, d->env->in, &items,
                            d->fault);
    for (size_t i = 0; i < items.n && e == ERR_OK; i++)
        e = take_item(d, s, items.items[i]);
    if (e == ERR_USAGE && s->option != NULL)
        d->fault->what = s->option;
    return e;
}

/* --servers-file F is --servers @F. */
static enum err take_servers_files(struct discover *d, const struct source *servers) {
    struct opt_list list = {arena_array(d->arena, d->options->servers_files.n + 1, sizeof(char *)),
                            0};
    if (list.items == NULL)
        return fault_set(d->fault, d->arena->err, "list", "%s", "");
    for (size_t i = 0; i < d->options->servers_files.n; i++) {
        const char *name = d->options->servers_files.items[i];
        char *at = arena_alloc(d->arena, strlen(name) + 2);
        if (at == NULL)
            return fault_set(d->fault, d->arena->err, "list", "%s", name);
        at[0] = '@';
        memcpy(at + 1, name, strlen(name));
        list.items[list.n++] = at;
    }
    struct source s = *servers;
    s.option = "--servers-file";
    return take_list(d, &s, &list);
}

static enum err take_targets(struct discover *d) {
    static const struct source words = {NULL, MODEL_FORMS_WORDS, MODEL_BLANKS_SEPARATE, false};
    static const struct source servers = {"--servers", MODEL_FORMS_SERVERS, MODEL_BLANKS_SEPARATE,
                                          false};
    static const struct source ips = {"--ips", MODEL_FORMS_IPS, MODEL_BLANKS_SEPARATE, false};
    static const struct source paths = {"--paths", MODEL_FORM_PATH, MODEL_BLANKS_BELONG, false};
    static const struct source excluded = {"--exclude", MODEL_FORMS_LINE, MODEL_BLANKS_SEPARATE,
                                           true};
    enum err e = take_list(d, &words, &d->common->words);
    if (e == ERR_OK)
        e = take_list(d, &servers, &d->options->servers);
    if (e == ERR_OK)
        e = take_servers_files(d, &servers);
    if (e == ERR_OK)
        e = take_list(d, &ips, &d->options->ips);
    if (e == ERR_OK)
        e = take_list(d, &paths, &d->options->paths);
    return e == ERR_OK ? take_list(d, &excluded, &d->options->excluded) : e;
}

static enum err take_ports(struct discover *d) {
    const struct opt_list *list = &d->options->ports;
    struct model_items items = {NULL, 0, 0};
    struct plan *p = &d->plan;
    enum err e = ERR_OK;
    for (size_t i = 0; i < list->n && e == ERR_OK; i++)
        e = model_list_read(d->arena, bytes_text(list->items[i]), MODEL_BLANKS_SEPARATE, d->env->in,
                            &items, d->fault);
    for (size_t i = 0; i < items.n && e == ERR_OK; i++) {
        struct model_ports more;
        e = model_ports_read(d->arena, items.items[i], &more, d->fault);
        if (e == ERR_OK && p->has_ports)
            e = model_ports_join(d->arena, &p->ports, &more, &p->ports);
        else if (e == ERR_OK)
            p->ports = more;
        p->has_ports = true;
    }
    if (e == ERR_USAGE)
        d->fault->what = "--ports";
    return e;
}

static enum err take_protocol(struct discover *d) {
    const char *word = d->options->protocol, *near;
    if (word == NULL)
        return ERR_OK;
    d->plan.has_protocol = true;
    if (model_protocol_read(bytes_text(word), &d->plan.protocol))
        return ERR_OK;
    near = model_protocol_near(bytes_text(word));
    if (near != NULL)
        return fault_set(d->fault, ERR_USAGE, "--protocol", "\"%.60s\" (did you mean %s?)", word,
                         near);
    return fault_set(d->fault, ERR_USAGE, "--protocol", "\"%.60s\"", word);
}

/* --sni "" takes it back: the name itself is asked for again. */
static enum err take_sni(struct discover *d) {
    struct buf name;
    if (d->options->sni == NULL)
        return ERR_OK;
    d->plan.has_sni = true;
    if (d->options->sni[0] == '\0')
        return ERR_OK;
    buf_init(&name, 4 * MODEL_NAME_MAX + 64);
    struct fault why;
    enum err e = model_name_read(bytes_text(d->options->sni), &name, &why);
    if (e == ERR_OK)
        d->plan.sni = arena_copy(d->arena, buf_bytes(&name));
    else
        e = fault_set(d->fault, e, "--sni", "\"%.80s\": %s", d->options->sni, why.detail);
    buf_clear(&name);
    return e;
}

static enum err refuse(const struct discover *d, const char *what, const char *why) {
    return fault_set(d->fault, ERR_USAGE, what, "%s", why);
}

/* Words that contradict each other, or say nothing. */
static enum err check_words(const struct discover *d) {
    const struct discover_options *o = d->options;
    const struct plan *p = &d->plan;
    size_t hosts = 0;
    for (size_t i = 0; i < p->wanted.targets_n; i++)
        hosts += p->wanted.targets[i].kind != MODEL_TARGET_PATH;
    bool has_targets = p->wanted.targets_n > 0, has_excluded = p->wanted.excluded_n > 0;
    bool has_traits = p->has_ports || p->has_protocol || p->has_sni;
    if (o->is_list && (o->is_remove || has_targets || has_excluded || has_traits))
        return refuse(d, "--list", "it stands alone");
    if (o->is_remove && has_traits)
        return refuse(d, "--remove", "targets are removed whole: no --ports, --protocol or --sni");
    if (o->is_remove && !has_targets && !has_excluded)
        return refuse(d, "--remove", "name the targets");
    if ((p->has_protocol || p->has_sni) && hosts == 0)
        return refuse(d, p->has_sni ? "--sni" : "--protocol",
                      "name the servers or addresses that it is for");
    if (p->has_ports && hosts == 0 && has_targets)
        return refuse(d, "--ports", "paths have no ports");
    if (p->has_ports && hosts == 0 && has_excluded)
        return refuse(d, "--ports", "to exclude ports of a host write --exclude HOST:PORT");
    if (!o->is_list && !has_targets && !has_excluded && !has_traits)
        return refuse(
            d, "targets",
            "none given: --servers, --ips, --paths, --ports, --exclude, --list or --remove");
    return ERR_OK;
}

/* ---- applying the plan ---- */

static void apply_traits(const struct plan *p, const struct model_target *wanted,
                         struct model_target *t) {
    if (t->kind == MODEL_TARGET_PATH)
        return;
    if (wanted->has_ports) {
        t->has_ports = true;
        t->ports = wanted->ports;
    }
    if (p->has_protocol)
        t->protocol = p->protocol;
    else if (wanted->has_ports && wanted->protocol != MODEL_PROTOCOL_NONE)
        t->protocol = wanted->protocol; /* of imap://host:1143 */
    if (p->has_sni)
        t->sni = p->sni;
}

static bool is_same_target(const struct model_target *a, const struct model_target *b) {
    return discover_has_same_ports(a, b) && a->protocol == b->protocol &&
           bytes_equal(a->sni, b->sni) && a->is_large_wanted == b->is_large_wanted;
}

static enum err apply_target(struct discover *d, const struct model_target *wanted) {
    const struct model_target *known = model_target_file_find(&d->file, wanted->key);
    struct model_target before = known != NULL ? *known : *wanted, after = before;
    enum verb verb = known == NULL ? ADDED : CHANGED;
    apply_traits(&d->plan, wanted, &after);
    if (d->options->is_large_wanted && after.kind == MODEL_TARGET_RANGE)
        after.is_large_wanted = true;
    enum err e = model_target_check(&after, d->fault);
    if (e != ERR_OK)
        return e;
    if (known != NULL && is_same_target(&before, &after))
        verb = UNCHANGED;
    else
        e = model_target_file_put(&d->file, &after, d->fault);
    if (e == ERR_OK)
        discover_say(d, &(struct change){verb, verb == ADDED ? NULL : &before, &after, false});
    return e;
}

static enum err apply_excluded(struct discover *d, const struct model_target *wanted) {
    const struct model_target *known = model_target_file_find_excluded(&d->file, wanted->key);
    struct model_target before = known != NULL ? *known : *wanted, after = *wanted;
    enum verb verb = known == NULL ? ADDED : CHANGED;
    enum err e = known != NULL ? join_excluded(d, &before, &after) : ERR_OK;
    if (known != NULL && discover_has_same_ports(&before, &after))
        verb = UNCHANGED;
    else if (e == ERR_OK)
        e = model_target_file_put_excluded(&d->file, &after, d->fault);
    if (e == ERR_OK)
        discover_say(d, &(struct change){verb, verb == ADDED ? NULL : &before, &after, true});
    return e;
}

/* Marks it; apply_plan takes all that are marked out at once. */
static enum err apply_removal(struct discover *d, const struct model_target *wanted,
                              bool is_excluded) {
    struct model_target *known = is_excluded
                                     ? model_target_file_find_excluded(&d->file, wanted->key)
                                     : model_target_file_find(&d->file, wanted->key);
    int n = wanted->key.n < 100 ? (int)wanted->key.n : 100;
    if (known == NULL)
        return fault_set(d->fault, ERR_USAGE, "--remove", "\"%.*s\" is not in %s", n,
                         (const char *)wanted->key.p, d->places.targets);
    if (wanted->has_ports)
        return fault_set(d->fault, ERR_USAGE, "--remove",
                         "\"%.*s\" is removed whole: leave out the port", n,
                         (const char *)wanted->key.p);
    struct model_target before = *known;
    known->is_gone = true;
    discover_say(d, &(struct change){REMOVED, &before, NULL, is_excluded});
    return ERR_OK;
}

/* Default list and exclusions come first, so that the counts of targets hold. */
static enum err apply_plan(struct discover *d) {
    const struct model_target_file *w = &d->plan.wanted;
    bool is_remove = d->options->is_remove;
    enum err e = ERR_OK;
    if (d->plan.has_ports && w->targets_n == 0) {
        struct model_ports before = d->file.default_ports;
        e = model_target_file_set_default(&d->file, &d->plan.ports, d->fault);
        discover_say_default(d, &before);
    }
    for (size_t i = 0; i < w->excluded_n && e == ERR_OK; i++)
        e = is_remove ? apply_removal(d, &w->excluded[i], true)
                      : apply_excluded(d, &w->excluded[i]);
    for (size_t i = 0; i < w->targets_n && e == ERR_OK; i++)
        e = is_remove ? apply_removal(d, &w->targets[i], false) : apply_target(d, &w->targets[i]);
    model_target_file_sweep(&d->file);
    return e;
}

static enum err read_words(struct discover *d) {
    enum err e = take_ports(d);
    if (e == ERR_OK)
        e = take_protocol(d);
    if (e == ERR_OK)
        e = take_sni(d);
    if (e == ERR_OK)
        e = take_targets(d);
    if (e == ERR_OK)
        e = check_words(d);
    /* --ports is for each target that was named, beside a port of its own word. */
    for (size_t i = 0; e == ERR_OK && d->plan.has_ports && i < d->plan.wanted.targets_n; i++) {
        struct model_target *t = &d->plan.wanted.targets[i];
        struct model_target more = {.has_ports = true, .ports = d->plan.ports};
        if (t->kind != MODEL_TARGET_PATH)
            e = join_ports(d, &more, t);
    }
    return e;
}

static enum err change_file(struct discover *d) {
    struct os_lock lock = {.handle = -1};
    enum err e = ERR_OK;
    if (!d->options->is_dry_run)
        e = ers_targets_lock(d->common, &d->places, &lock, d->fault);
    if (e == ERR_OK)
        e = model_target_file_read(d->arena, d->places.targets, &d->file, d->fault);
    if (e == ERR_OK)
        e = apply_plan(d);
    if (e == ERR_OK && d->changes > 0 && !d->options->is_dry_run)
        e = ers_targets_save(&d->places, &d->file, d->fault);
    os_lock_close(&lock);
    return e;
}

static enum err finish(struct discover *d) {
    FILE *stream = d->common->json ? d->env->out : d->env->err;
    discover_say_end(d);
    if (d->out.err != ERR_OK)
        return fault_set(d->fault, d->out.err, "messages", "%s", "");
    if (d->out.n > 0 && fwrite(d->out.p, 1, d->out.n, stream) != d->out.n)
        return fault_set(d->fault, ERR_IO, "write", "standard output");
    return ERR_OK;
}

static enum err show_list(struct discover *d) {
    enum err e = ers_targets_read(d->common, &d->places, &d->file, d->fault);
    if (e != ERR_OK)
        return e;
    if (d->file.targets_n == 0 && !d->common->quiet)
        fprintf(d->env->err, "no targets in %s    next: ers discover --servers ...\n",
                d->places.targets);
    return ers_targets_list(d->env, d->common, &d->places, &d->file, d->fault);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct fault fault = {.code = ERR_OK};
    struct arena arena; /* of its own: lists may be longer than any command line */
    struct discover d = {
        .env = env, .options = options, .common = common, .arena = &arena, .fault = &fault};
    arena_init(&arena, ARENA_MAX);
    d.plan.wanted =
        (struct model_target_file){.arena = d.arena, .default_ports = model_ports_default()};
    buf_init(&d.out, (size_t)256 << 20);
    enum err e = read_words(&d);
    if (e == ERR_OK)
        e = ers_places_find(common, &d.places, &fault);
    if (e == ERR_OK && d.options->is_list)
        e = show_list(&d);
    else if (e == ERR_OK) {
        e = change_file(&d);
        if (e == ERR_OK)
            e = finish(&d);
    }
    buf_clear(&d.out);
    arena_clear(&arena);
    return e == ERR_OK ? 0 : opt_fail(env, common, &fault);
}

#define AT(member) offsetof(struct discover_options, member)
static const struct opt_row rows[] = {
    {OPT_LIST, 0, "servers",      "LIST", AT(servers),
     "Names, addresses, HOST:PORT, [v6]:PORT, URLs; @FILE reads more"                                     },
    {OPT_LIST, 0, "servers-file", "FILE", AT(servers_files),   "The same from a file, one a line"         },
    {OPT_LIST, 0, "ips",          "LIST", AT(ips),             "Addresses, CIDR, ranges A-B"              },
    {OPT_LIST, 0, "ports",        "LIST", AT(ports),
     "N, N-M, default, starttls, database, all-known; alone: the default list"                            },
    {OPT_LIST, 0, "paths",        "LIST", AT(paths),
     "Certificate files and folders, absolute; on Windows also cert:MY, cert:ROOT"                        },
    {OPT_LIST, 0, "exclude",      "LIST", AT(excluded),
     "Never look at these hosts, ranges, HOST:PORT, paths"                                                },
    {OPT_TEXT, 0, "protocol",     "NAME", AT(protocol),
     "Spoken before TLS on these targets: smtp, imap, ldap, ...; auto"                                    },
    {OPT_TEXT, 0, "sni",          "NAME", AT(sni),             "Server name to ask these targets for"     },
    {OPT_FLAG, 0, "yes-large",    NULL,   AT(is_large_wanted),
     "Take more than 1,048,576 addresses in one target"                                                   },
    {OPT_FLAG, 0, "list",         NULL,   AT(is_list),         "Show the targets"                         },
    {OPT_FLAG, 0, "remove",       NULL,   AT(is_remove),       "Remove the targets (and exclusions) named"},
    {OPT_FLAG, 0, "dry-run",      NULL,   AT(is_dry_run),      "Say what would change, write nothing"     },
    {OPT_END,  0, NULL,           NULL,   0,                   NULL                                       },
};
#undef AT

const struct opt_command ers_discover = {
    .name = "discover",
    .arguments = "[HOST[:PORT]...]",
    .summary = "say which servers, addresses and ports are to be scanned",
    .examples =
        "ers discover --servers \"mail.example.com,web.example.com\" --ports \"8443,9443\"\n"
        "ers discover --ips 198.51.100.0/24\n"
        "ers discover --paths /etc/ssl,/etc/pki\n"
        "ers discover --ports \"8000-9000,9443\"      (the default list)\n"
        "ers discover --list",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct discover_options),
    .run = run,
};
