/* Agents and the audit trail: changes and look-ups. See inventory.h. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <string.h>

static bool fits(struct bytes text, size_t least, size_t most) {
    return text.n >= least && text.n <= most;
}

static void name_key(struct bytes name, uint8_t key[INVENTORY_ID_SIZE]) {
    state_key("agent name", name, (struct bytes){NULL, 0}, key);
}

static void spki_key(struct bytes spki, uint8_t key[INVENTORY_ID_SIZE]) {
    state_key("agent key", spki, (struct bytes){NULL, 0}, key);
}

/* Takes name and key for this change, where neither is anybody's; empty: not asked for. */
static enum err reserve(struct change *c, struct bytes name, struct bytes spki, struct fault *f) {
    struct state *s = &c->inv->state;
    uint8_t key[INVENTORY_ID_SIZE], hash[SHA256_SIZE];
    bool is_taken = false, key_taken = false;
    name_key(name, key);
    if (name.n > 0 && !change_key(c, key))
        return fault_set(f, ERR_EXISTS, "agent name", "%.*s", (int)name.n, (const char *)name.p);
    if (spki.n > 0) {
        spki_key(spki, hash);
        if (!change_key(c, hash))
            return fault_set(f, ERR_EXISTS, "agent key", "in use");
    }
    if (!inventory_lock(c->inv, f))
        return ERR_MEMORY;
    is_taken = name.n > 0 && table_find(&s->by_name, key) != ROWS_NONE;
    hash_of(HASH_SHA256, spki, hash);
    key_taken = spki.n > 0 && table_find(&s->by_key, hash) != ROWS_NONE;
    inventory_unlock(c->inv);
    if (is_taken)
        return fault_set(f, ERR_EXISTS, "agent name", "%.*s", (int)name.n, (const char *)name.p);
    return key_taken ? fault_set(f, ERR_EXISTS, "agent key", "in use") : ERR_OK;
}

static enum err submit(struct change *c, enum record_type type, const struct record_agent *r,
                       struct fault *f) {
    struct buf payload;
    buf_init(&payload, 4096);
    record_agent_write(type, r, &payload);
    struct store_entry e = {.type = (uint16_t)type,
                            .version = RECORD_VERSION,
                            .time_ms = inventory_now_ms(c->inv),
                            .payload = buf_bytes(&payload)};
    enum err code = payload.err;
    if (code != ERR_OK) {
        fault_set(f, code, "agent", "entry");
        change_drop(c);
    } else {
        code = change_submit(c, &e, 1, f);
    }
    buf_clear(&payload);
    return code;
}

static enum err check_enrolment(const struct inventory_enrolment *e, struct fault *f) {
    if (!fits(e->name, 1, INVENTORY_NAME_MAX) || !utf8_valid(e->name))
        return fault_set(f, ERR_USAGE, "agent name", "1 to %d bytes", INVENTORY_NAME_MAX);
    if (!fits(e->network, 0, INVENTORY_NAME_MAX) || !utf8_valid(e->network))
        return fault_set(f, ERR_USAGE, "network", "at most %d bytes", INVENTORY_NAME_MAX);
    if (!fits(e->spki, 1, INVENTORY_SPKI_MAX))
        return fault_set(f, ERR_USAGE, "key", "1 to %d bytes", INVENTORY_SPKI_MAX);
    if (!fits(e->system, 0, INVENTORY_TEXT_MAX) || !fits(e->version, 0, INVENTORY_TEXT_MAX))
        return fault_set(f, ERR_USAGE, "system", "at most %d bytes", INVENTORY_TEXT_MAX);
    return ERR_OK;
}

enum err inventory_agent_enrol(struct inventory *inv, const struct inventory_enrolment *e,
                               uint8_t id[INVENTORY_ID_SIZE], inventory_done *done, void *context,
                               struct fault *f) {
    enum err code = check_enrolment(e, f);
    if (code != ERR_OK)
        return code;
    if (!inv->env.random(inv->env.context, id, INVENTORY_ID_SIZE))
        return fault_set(f, ERR_FAILED, "random bytes", "none to be had");
    struct change *c = change_begin(inv, done, context, f);
    if (c == NULL)
        return f->code;
    code = reserve(c, e->name, e->spki, f);
    if (code != ERR_OK) {
        change_drop(c);
        return code;
    }
    struct record_agent r = {.id = bytes_of(id, INVENTORY_ID_SIZE),
                             .name = e->name,
                             .network = e->network.n > 0 ? e->network : bytes_text("default"),
                             .system = e->system,
                             .version = e->version,
                             .spki = e->spki};
    return submit(c, RECORD_AGENT_ENROLLED, &r, f);
}

/* A change of an agent that is there. */
static enum err change_agent(struct inventory *inv, enum record_type type, struct record_agent *r,
                             const uint8_t *id, inventory_done *done, void *context,
                             struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_agent, id);
    bool is_same = i != ROWS_NONE && r->name.n > 0 &&
                   bytes_equal(state_text(&inv->state, state_agent(&inv->state, i)->name), r->name);
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return fault_set(f, ERR_NOT_FOUND, "agent", "no such id");
    struct change *c = change_begin(inv, done, context, f);
    if (c == NULL)
        return f->code;
    r->id = bytes_of(id, INVENTORY_ID_SIZE);
    enum err code = is_same ? ERR_OK : reserve(c, r->name, r->spki, f);
    if (code != ERR_OK) {
        change_drop(c);
        return code;
    }
    return submit(c, type, r, f);
}

enum err inventory_agent_rename(struct inventory *inv, const uint8_t *id, struct bytes name,
                                inventory_done *done, void *context, struct fault *f) {
    struct record_agent r = {.name = name};
    if (!fits(name, 1, INVENTORY_NAME_MAX) || !utf8_valid(name))
        return fault_set(f, ERR_USAGE, "agent name", "1 to %d bytes", INVENTORY_NAME_MAX);
    return change_agent(inv, RECORD_AGENT_RENAMED, &r, id, done, context, f);
}

enum err inventory_agent_disable(struct inventory *inv, const uint8_t *id, bool disabled,
                                 inventory_done *done, void *context, struct fault *f) {
    struct record_agent r = {.disabled = disabled};
    return change_agent(inv, RECORD_AGENT_DISABLED, &r, id, done, context, f);
}

enum err inventory_agent_rekey(struct inventory *inv, const uint8_t *id, struct bytes spki,
                               inventory_done *done, void *context, struct fault *f) {
    struct record_agent r = {.spki = spki};
    if (!fits(spki, 1, INVENTORY_SPKI_MAX))
        return fault_set(f, ERR_USAGE, "key", "1 to %d bytes", INVENTORY_SPKI_MAX);
    return change_agent(inv, RECORD_AGENT_REKEYED, &r, id, done, context, f);
}

/* A new text costs memory that is given back at the end only, so unchanged ones are kept. */
static void touch_text(struct state *s, struct text logged, struct text *said, struct bytes now) {
    struct text shown = said->n > 0 ? *said : logged;
    if (now.n == 0 || now.n > INVENTORY_TEXT_MAX || bytes_equal(state_text(s, shown), now))
        return;
    uint32_t word = state_word(s, now);
    if (word != ROWS_NONE)
        *said = ((const struct state_word *)rows_at(&s->words, word))->text;
}

void inventory_agent_touch(struct inventory *inv, const uint8_t *id, int64_t now_ms,
                           struct bytes system, struct bytes version) {
    rwlock_write(inv->lock);
    uint32_t i = table_find(&inv->state.by_agent, id);
    if (i != ROWS_NONE && !inv->broken) {
        struct state_agent *a = state_agent(&inv->state, i);
        if (now_ms > a->seen_ms)
            a->seen_ms = now_ms;
        touch_text(&inv->state, a->system, &a->said_system, system);
        touch_text(&inv->state, a->version, &a->said_version, version);
    }
    rwlock_write_end(inv->lock);
}

/* ---- Look-ups ---- */

static enum err get(struct inventory *inv, const struct table *by, const uint8_t *key,
                    struct arena *a, struct inventory_agent *out, struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(by, key);
    if (i != ROWS_NONE)
        inventory_copy_agent(&inv->state, i, a, out);
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return fault_set(f, ERR_NOT_FOUND, "agent", "not enrolled");
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "agent", "copying");
}

enum err inventory_agent_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                             struct inventory_agent *out, struct fault *f) {
    return get(inv, &inv->state.by_agent, id, a, out, f);
}

enum err inventory_agent_by_key(struct inventory *inv, const uint8_t key_id[SHA256_SIZE],
                                struct arena *a, struct inventory_agent *out, struct fault *f) {
    return get(inv, &inv->state.by_key, key_id, a, out, f);
}

enum err inventory_agent_by_name(struct inventory *inv, struct bytes name, struct arena *a,
                                 struct inventory_agent *out, struct fault *f) {
    uint8_t key[INVENTORY_ID_SIZE];
    name_key(name, key);
    return get(inv, &inv->state.by_name, key, a, out, f);
}

/* ---- The audit trail ---- */

enum err inventory_audit(struct inventory *inv, const struct inventory_audit *act,
                         inventory_done *done, void *context, struct fault *f) {
    struct record_audit r = {act->actor, act->verb, act->object, act->detail};
    if (!fits(r.actor, 1, INVENTORY_TEXT_MAX) || !fits(r.verb, 1, INVENTORY_TEXT_MAX) ||
        !fits(r.object, 0, INVENTORY_TEXT_MAX) || !fits(r.detail, 0, INVENTORY_DETAIL_MAX))
        return fault_set(f, ERR_USAGE, "audit", "a text is too long or missing");
    struct change *c = change_begin(inv, done, context, f);
    if (c == NULL)
        return f->code;
    struct buf payload;
    buf_init(&payload, 8192);
    record_audit_write(&r, &payload);
    struct store_entry e = {.type = RECORD_AUDIT,
                            .version = RECORD_VERSION,
                            .time_ms = inventory_now_ms(inv),
                            .payload = buf_bytes(&payload)};
    enum err code = payload.err;
    if (code == ERR_OK)
        code = change_submit(c, &e, 1, f);
    else
        change_drop(c);
    buf_clear(&payload);
    return code;
}
