/* Services: what people say of a line of certificates. See requests.h. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static struct bytes copy(struct arena *a, struct bytes b) {
    return b.n == 0 ? (struct bytes){NULL, 0} : arena_copy(a, b);
}

static void copy_tags(struct bytes tags, struct arena *a, struct inventory_service *out) {
    struct cur c = cur_open(copy(a, tags));
    struct bytes *items = arena_array(a, UINT8_MAX, sizeof *items);
    while (items != NULL && c.rest.n > 0 && out->tags_n < UINT8_MAX)
        items[out->tags_n++] = cur_vec8(&c);
    out->tags = items;
}

/* What was said of it, with the lock held. */
static void copy_service(const struct state *s, const uint8_t *id, struct arena *a,
                         struct inventory_service *out) {
    memset(out, 0, sizeof *out);
    memcpy(out->id, id, INVENTORY_ID_SIZE);
    uint32_t i = table_find(&s->by_service, id);
    if (i == ROWS_NONE)
        return;
    const struct state_service *r = state_service(s, i);
    out->owner = copy(a, state_word_text(s, r->owner));
    out->notes = copy(a, state_text(s, r->notes));
    copy_tags(state_text(s, r->tags), a, out);
}

static enum err copied(const struct arena *a, struct fault *f) {
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "service", "no room");
}

enum err inventory_service_said(struct inventory *inv, const uint8_t *id, struct arena *a,
                                struct inventory_service *out, struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    copy_service(&inv->state, id, a, out);
    inventory_unlock(inv);
    return copied(a, f);
}

enum err inventory_service_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                               struct inventory_service *out, struct fault *f) {
    const struct state *s = &inv->state;
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    copy_service(s, id, a, out);
    uint32_t first = table_find(&s->by_line, id);
    for (uint32_t i = first; i != ROWS_NONE;) {
        out->certificates++;
        i = state_cert(s, i)->next_in_line;
        if (i == first)
            break;
    }
    inventory_unlock(inv);
    if (out->certificates == 0)
        return fault_set(f, ERR_NOT_FOUND, "service", "not known");
    return copied(a, f);
}

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, INVENTORY_ID_SIZE);
}

/* The ids of all certificates in order; NULL: no memory. */
static uint8_t (*sorted_ids(const struct state *s))[INVENTORY_ID_SIZE] {
    uint8_t(*ids)[INVENTORY_ID_SIZE] = malloc((s->certs.n + (size_t)1) * INVENTORY_ID_SIZE);
    if (ids == NULL)
        return NULL;
    for (uint32_t i = 0; i < s->certs.n; i++)
        memcpy(ids[i], state_cert(s, i)->service, INVENTORY_ID_SIZE);
    qsort(ids, s->certs.n, INVENTORY_ID_SIZE, compare_ids);
    return ids;
}

static enum err visit_all(const struct state *s, const struct query *where,
                          inventory_visit_service *visit, void *context, struct fault *f) {
    struct arena a;
    struct where w;
    uint8_t(*ids)[INVENTORY_ID_SIZE] = sorted_ids(s);
    if (ids == NULL)
        return fault_set(f, ERR_MEMORY, "services", "%u", (unsigned)s->certs.n);
    arena_init(&a, 1 << 20);
    where_open(&w, s, where);
    for (uint32_t i = 0, n; i < s->certs.n; i += n) {
        struct inventory_service service;
        for (n = 1; i + n < s->certs.n && compare_ids(ids[i], ids[i + n]) == 0;)
            n++;
        if (!where_service(&w, ids[i]))
            continue;
        arena_reset(&a);
        copy_service(s, ids[i], &a, &service);
        service.certificates = n;
        if (a.err != ERR_OK || !visit(context, &service))
            break;
    }
    enum err code = copied(&a, f);
    where_close(&w);
    arena_clear(&a);
    free(ids);
    return code;
}

enum err inventory_services(struct inventory *inv, const struct query *where,
                            inventory_visit_service *visit, void *context, struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    enum err code = visit_all(&inv->state, where, visit, context, f);
    inventory_unlock(inv);
    return code;
}

static bool is_line(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return utf8_valid(text);
}

static enum err check_service(const struct inventory_service *v, struct fault *f) {
    if (v->owner.n > INVENTORY_OWNER_MAX || !is_line(v->owner))
        return fault_set(f, ERR_USAGE, "owner", "one line of at most %d bytes",
                         INVENTORY_OWNER_MAX);
    if (v->notes.n > INVENTORY_NOTES_MAX || !utf8_valid(v->notes))
        return fault_set(f, ERR_USAGE, "notes", "at most %d bytes", INVENTORY_NOTES_MAX);
    if (v->tags_n > INVENTORY_TAGS_MAX)
        return fault_set(f, ERR_USAGE, "tags", "at most %d", INVENTORY_TAGS_MAX);
    for (size_t i = 0; i < v->tags_n; i++)
        if (v->tags[i].n == 0 || v->tags[i].n > INVENTORY_TAG_MAX || !is_line(v->tags[i]) ||
            bytes_find(v->tags[i], bytes_text(",")) != SIZE_MAX)
            return fault_set(f, ERR_USAGE, "tags", "each one line of 1 to %d bytes, without commas",
                             INVENTORY_TAG_MAX);
    return ERR_OK;
}

enum err inventory_service_set(struct inventory *inv, const struct inventory_service *service,
                               const struct inventory_audit *act, struct fault *f) {
    struct change *c;
    struct entries e;
    struct buf tags;
    struct bytes id = bytes_of(service->id, INVENTORY_ID_SIZE);
    enum err code = check_service(service, f);
    if (code == ERR_OK)
        code = change_begin_of(inv, "service", id, &c, f);
    if (code != ERR_OK)
        return code;
    buf_init(&tags, 1 << 16);
    for (size_t i = 0; i < service->tags_n; i++)
        buf_vec(&tags, 1, service->tags[i]);
    struct record_service r = {id, service->owner, buf_bytes(&tags), service->notes};
    entries_init(&e);
    record_service_write(&r, &e.bytes);
    if (tags.err != ERR_OK)
        e.bytes.err = tags.err;
    entries_end(&e, RECORD_SERVICE);
    entries_audit(&e, act);
    code = entries_submit(&e, c, f);
    buf_clear(&tags);
    return code;
}
