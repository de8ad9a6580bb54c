/* Payloads that fell out of retention: begun, and how far it is. See api.h, and "Retention" in
 * store/inventory/inventory.h. */
#include "web/api/api_private.h"

#include "base/clock.h"

static void put_state(struct json *j, const struct inventory_compaction *c) {
    char text[FAULT_DETAIL_MAX + 200];
    bool has_failed = c->step == INVENTORY_COMPACT_FAILED;
    json_text(j, "step", inventory_compact_step_name(c->step));
    api_json_ms(j, "before", c->before_ms);
    json_bool(j, "dry_run", c->is_dry);
    json_int(j, "entries", (int64_t)c->entries);
    json_int(j, "entries_of", (int64_t)c->of);
    json_int(j, "scans", (int64_t)c->scans);
    json_int(j, "scan_bytes", (int64_t)c->scan_bytes);
    json_int(j, "confirmations", (int64_t)c->confirmations);
    json_int(j, "confirmation_bytes", (int64_t)c->confirmation_bytes);
    json_int(j, "needed", (int64_t)c->kept);
    json_int(j, "dropped_before", (int64_t)c->dropped);
    json_int(j, "segments", (int64_t)c->segments);
    json_int(j, "segments_of", (int64_t)c->segments_of);
    json_int(j, "bytes_before", (int64_t)c->bytes_before);
    json_int(j, "bytes", (int64_t)c->bytes);
    json_text(j, "error", has_failed ? err_row(c->fault.code)->name : NULL);
    json_text(j, "detail", has_failed ? fault_text(&c->fault, text, sizeof text) : NULL);
}

enum err api_compactions_get(struct api_call *call) {
    struct inventory_compaction c;
    inventory_compaction(call->o->inventory, &c);
    put_state(api_begin(call), &c);
    return api_end(call);
}

enum err api_compactions_add(struct api_call *call) {
    struct inventory_compact o = {.actor = bytes_text(call->actor)};
    struct bytes text = {0};
    int64_t before_s;
    if (!api_text(call, "before", &text) || !clock_read(text, &before_s) ||
        before_s > INT64_MAX / 1000)
        return fault_set(&call->fault, ERR_USAGE, "before", "a time: 2026-12-31T00:00:00Z");
    o.before_ms = before_s * 1000;
    if (!api_bool(call, "dry_run", &o.is_dry))
        o.is_dry = false;
    enum err code = inventory_compact(call->o->inventory, &o, &call->fault);
    return code == ERR_OK ? api_compactions_get(call) : code;
}
