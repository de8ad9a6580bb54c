/* A look at some of the agent's own endpoints: what of that which is wanted its targets
 * cover, and how they say it is to be looked at. See scan.h.
 *
 * The words come from elsewhere (the server, or what the last scan found): none of them
 * can widen what the targets and exclusions of this host allow, or name a file.
 */
#include "applets/ers/scan.h"

static bool is_within(const struct model_target *wanted, const struct model_target *own) {
    bool is_address = wanted->kind == MODEL_TARGET_ADDRESS || wanted->kind == MODEL_TARGET_RANGE;
    bool has_addresses = own->kind == MODEL_TARGET_ADDRESS || own->kind == MODEL_TARGET_RANGE;
    if (is_address && has_addresses)
        return ip_range_has(&own->range, &wanted->range.first) &&
               ip_range_has(&own->range, &wanted->range.last);
    return wanted->kind == MODEL_TARGET_NAME && own->kind == MODEL_TARGET_NAME &&
           bytes_equal(wanted->key, own->key);
}

/* Words have one port or none. */
static bool has_port(const struct model_target *wanted, const struct model_ports *own) {
    return !wanted->has_ports || model_ports_has(own, wanted->ports.ranges[0].first);
}

/* The first target that covers it; NULL: none. */
static const struct model_target *cover(const struct scan *s, const struct model_target *wanted) {
    for (size_t i = 0; i < s->file.targets_n; i++) {
        const struct model_target *own = &s->file.targets[i];
        const struct model_ports *ports = own->has_ports ? &own->ports : &s->file.default_ports;
        if (is_within(wanted, own) && has_port(wanted, ports))
            return own;
    }
    return NULL;
}

static enum err add(struct scan *s, struct model_target_file *list, struct model_target *wanted,
                    struct fault *f) {
    const struct model_target *own = cover(s, wanted);
    if (!own)
        return ERR_OK;
    const struct model_target *known = model_target_file_find(list, wanted->key);
    s->look->covered++;
    wanted->protocol = own->protocol;
    wanted->sni = own->sni;
    if (!wanted->has_ports)
        wanted->ports = own->has_ports ? own->ports : s->file.default_ports;
    wanted->has_ports = true;
    if (known) {
        enum err err =
            model_ports_join(s->common->arena, &known->ports, &wanted->ports, &wanted->ports);
        if (err)
            return fault_set(f, err, "ports", "%s", "");
    }
    return model_target_file_put(list, wanted, f);
}

enum err scan_own_targets(struct scan *s, struct fault *f) {
    enum { FORMS = MODEL_FORM_NAME | MODEL_FORM_ADDRESS | MODEL_FORM_RANGE | MODEL_FORM_PORT };
    struct arena *a = s->common->arena;
    struct model_target_file list = {.arena = a, .default_ports = s->plan.default_ports};
    enum err err = ERR_OK;
    for (size_t i = 0; i < s->look->wanted.n && !err; i++) {
        struct model_target t;
        struct bytes word = bytes_text(s->look->wanted.items[i]);
        if (model_target_read(a, word, FORMS, &t, NULL, NULL) == ERR_OK)
            err = add(s, &list, &t, f);
    }
    s->plan.targets = list.targets;
    s->plan.targets_n = list.targets_n;
    return err;
}
