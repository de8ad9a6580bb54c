/* What `ers discover` says: one line a change for people, one object for --json. */
#include "applets/ers/discover.h"

#include "base/text.h"

#include <string.h>

enum { LINES_SHOWN = 40 }; /* more are counted, unless -v asks for them */

static const char *const verbs[VERB_COUNT] = {"added", "changed", "unchanged", "removed"};

static void put_number(struct buf *out, uint64_t n, const char *noun) {
    char text[28];
    const char *plural = n == 1 ? "" : strcmp(noun, "address") == 0 ? "es" : "s";
    buf_printf(out, "%s %s%s", ers_number(n, text), noun, plural);
}

/* "256 addresses x 1001 ports = 256,256 endpoints" */
static void put_count(struct discover *d, const struct model_target *t) {
    struct model_exclusions x = model_target_file_exclusions(&d->file);
    struct model_count c;
    struct buf *out = &d->out;
    char text[28];
    if (t->kind == MODEL_TARGET_PATH ||
        model_target_count(t, &d->file.default_ports, &x, &c) != ERR_OK)
        return;
    buf_text(out, "  ");
    if (t->kind == MODEL_TARGET_RANGE) {
        put_number(out, c.addresses, "address");
        buf_text(out, " x ");
    }
    if (t->kind == MODEL_TARGET_RANGE || c.excluded > 0) {
        put_number(out, c.ports, "port");
        if (c.excluded > 0)
            buf_printf(out, " - %s excluded", ers_number(c.excluded, text));
        buf_text(out, " = ");
    }
    put_number(out, c.endpoints, "endpoint");
}

static void put_key(struct buf *out, const struct model_target *t) {
    text_escape(out, t->key);
}

static const struct model_ports *ports_of(const struct discover *d, const struct model_target *t) {
    return t->has_ports ? &t->ports : &d->file.default_ports;
}

/* "443,465 -> 8443"; where the numbers are the same, whose they are. */
static void put_ports_change(struct discover *d, const struct model_target *before,
                             const struct model_target *after) {
    const struct model_ports *from = ports_of(d, before), *to = ports_of(d, after);
    bool is_same = model_ports_equal(from, to);
    model_ports_write(&d->out, from);
    buf_text(&d->out, is_same ? " (default list) -> " : " -> ");
    model_ports_write(&d->out, to);
    buf_text(&d->out, is_same ? " (its own)" : "");
}

static void put_text_change(struct buf *out, const char *what, struct bytes from, struct bytes to) {
    buf_printf(out, "%s ", what);
    text_escape(out, from.n > 0 ? from : bytes_text("auto"));
    buf_text(out, " -> ");
    text_escape(out, to.n > 0 ? to : bytes_text("auto"));
}

bool discover_has_same_ports(const struct model_target *a, const struct model_target *b) {
    return a->has_ports == b->has_ports && model_ports_equal(&a->ports, &b->ports);
}

static void put_changes(struct discover *d, const struct model_target *before,
                        const struct model_target *after) {
    const char *between = "  ";
    if (!discover_has_same_ports(before, after)) {
        buf_text(&d->out, between);
        put_ports_change(d, before, after);
        between = ", ";
    }
    if (before->protocol != after->protocol) {
        buf_text(&d->out, between);
        put_text_change(&d->out, "protocol", bytes_text(model_protocol_name(before->protocol)),
                        bytes_text(model_protocol_name(after->protocol)));
        between = ", ";
    }
    if (!bytes_equal(before->sni, after->sni)) {
        buf_text(&d->out, between);
        put_text_change(&d->out, "sni", before->sni, after->sni);
        between = ", ";
    }
    if (before->is_large_wanted != after->is_large_wanted)
        buf_printf(&d->out, "%sallowed to be large", between);
}

static void put_ports(struct discover *d, const struct model_target *t) {
    if (t->kind == MODEL_TARGET_PATH)
        return;
    buf_text(&d->out, "  ");
    model_ports_write(&d->out, ports_of(d, t));
    if (t->protocol != MODEL_PROTOCOL_NONE)
        buf_printf(&d->out, " %s", model_protocol_name(t->protocol));
}

static void say_text(struct discover *d, const struct change *c) {
    const struct model_target *t = c->after != NULL ? c->after : c->before;
    if (d->common->quiet || (d->lines++ >= LINES_SHOWN && d->common->verbose == 0))
        return;
    buf_printf(&d->out, "%-7s  %s", verbs[c->verb], c->is_excluded ? "exclude " : "");
    put_key(&d->out, t);
    if (c->is_excluded) {
        if (t->has_ports)
            put_ports(d, t);
    } else if (c->verb == CHANGED) {
        put_changes(d, c->before, c->after);
    } else {
        put_ports(d, t);
        if (c->verb == ADDED)
            put_count(d, t);
    }
    buf_u8(&d->out, '\n');
}

static void put_ports_member(struct json *j, const char *key, const struct model_ports *ports) {
    struct buf text;
    buf_init(&text, 1 << 20);
    model_ports_write(&text, ports);
    json_text(j, key, buf_cstr(&text));
    buf_clear(&text);
}

static void say_json(struct discover *d, const struct change *c) {
    const struct model_target *t = c->after != NULL ? c->after : c->before;
    struct json j = json_to(&d->out);
    json_object(&j, NULL);
    json_text(&j, "type", "change");
    json_text(&j, "action", verbs[c->verb]);
    json_text(&j, "what", c->is_excluded ? "exclusion" : "target");
    if (c->is_excluded) {
        json_bytes(&j, "key", t->key);
        if (t->has_ports)
            put_ports_member(&j, "ports", &t->ports);
        else
            json_null(&j, "ports");
    } else {
        ers_target_members(&j, &d->file, t);
        if (c->verb == CHANGED)
            put_ports_member(&j, "ports_before", ports_of(d, c->before));
    }
    json_end(&j, '}');
    buf_u8(&d->out, '\n');
}

void discover_say(struct discover *d, const struct change *c) {
    d->by_verb[c->verb]++;
    d->changes += c->verb != UNCHANGED;
    if (d->common->json)
        say_json(d, c);
    else
        say_text(d, c);
}

void discover_say_default(struct discover *d, const struct model_ports *before) {
    const struct model_ports *after = &d->file.default_ports;
    bool is_same = model_ports_equal(before, after);
    size_t followers = 0;
    for (size_t i = 0; i < d->file.targets_n; i++)
        followers += !d->file.targets[i].has_ports && d->file.targets[i].kind != MODEL_TARGET_PATH;
    d->changes += !is_same;
    if (d->common->json) {
        struct json j = json_to(&d->out);
        json_object(&j, NULL);
        json_text(&j, "type", "change");
        json_text(&j, "action", verbs[is_same ? UNCHANGED : CHANGED]);
        json_text(&j, "what", "default");
        put_ports_member(&j, "ports", after);
        put_ports_member(&j, "ports_before", before);
        json_int(&j, "targets", (int64_t)followers);
        json_end(&j, '}');
        buf_u8(&d->out, '\n');
    } else if (!d->common->quiet) {
        buf_printf(&d->out, "%-7s  default ports  ", verbs[is_same ? UNCHANGED : CHANGED]);
        model_ports_write(&d->out, before);
        if (!is_same) {
            buf_text(&d->out, " -> ");
            model_ports_write(&d->out, after);
        }
        buf_text(&d->out, "  for ");
        put_number(&d->out, followers, "target");
        buf_u8(&d->out, '\n');
    }
}

static void say_end_json(struct discover *d) {
    struct json j = json_to(&d->out);
    json_object(&j, NULL);
    json_text(&j, "type", "saved");
    json_text(&j, "file", d->places.targets);
    json_bool(&j, "written", d->changes > 0 && !d->options->is_dry_run);
    json_int(&j, "targets", (int64_t)d->file.targets_n);
    json_end(&j, '}');
    buf_u8(&d->out, '\n');
}

static void say_end_text(struct discover *d) {
    struct buf *out = &d->out;
    if (d->lines > LINES_SHOWN && d->common->verbose == 0) {
        buf_text(out, "...      in all");
        for (size_t v = 0; v < VERB_COUNT; v++)
            if (d->by_verb[v] > 0)
                buf_printf(out, "  %zu %s", d->by_verb[v], verbs[v]);
        buf_text(out, "; -v shows each\n");
    }
    if (d->options->is_dry_run) {
        buf_printf(out, "dry run  %s would have ", d->places.targets);
        put_number(out, d->file.targets_n, "target");
        buf_text(out, "; nothing was written\n");
        return;
    }
    buf_printf(out, "%-7s  %s (", d->changes > 0 ? "saved" : "kept", d->places.targets);
    put_number(out, d->file.targets_n, "target");
    buf_text(out, d->file.targets_n > 0 ? ")    next: ers scan"
                                        : ")    next: ers discover --servers ...");
    if (d->common->config != NULL && d->file.targets_n > 0)
        buf_printf(out, " --config %s", d->common->config);
    buf_u8(out, '\n');
}

void discover_say_end(struct discover *d) {
    if (d->common->json)
        say_end_json(d);
    else if (!d->common->quiet)
        say_end_text(d);
}
