/* What agents send: which certificates are missing, and batches. See api.h.
 *
 * A batch is answered 200 when all that was taken of it is durable. The same batch
 * again, signed anew, is answered `repeated` and stored once: an agent that never
 * saw the answer just sends it again.
 */
#include "web/api/api_private.h"

#include "base/text.h"
#include "base/zip.h"

#include <stdlib.h>
#include <string.h>

enum { MISSING_MAX = 10000, BATCH_SIZE = 16, PUSH_ARENA_MAX = 256 << 20 };

enum err api_push_missing(struct api_call *call) {
    struct json_value list = json_get(call->body, "sha256");
    size_t n = json_count(list), i = 0;
    if (n > MISSING_MAX)
        return fault_set(&call->fault, ERR_LIMIT, "sha256", "at most %d at once", MISSING_MAX);
    uint8_t(*sha256)[SHA256_SIZE] = arena_array(&call->rq->arena, n + 1, SHA256_SIZE);
    bool *has = arena_array(&call->rq->arena, n + 1, sizeof *has);
    if (!sha256 || !has)
        return fault_set(&call->fault, ERR_MEMORY, "sha256", "%zu", n);
    for (struct json_value v = json_first(list); json_type_of(v) != JSON_NONE;
         v = json_next(v), i++) {
        struct bytes hex;
        if (!json_string(v, &call->rq->arena, &hex) || !hex_read(hex, sha256[i], SHA256_SIZE))
            return fault_set(&call->fault, ERR_USAGE, "sha256", "item %zu is no fingerprint", i);
    }
    inventory_known(call->o->inventory, (const uint8_t(*)[SHA256_SIZE])sha256, n, has);
    struct json *j = api_begin(call);
    json_array(j, "missing");
    for (i = 0; i < n; i++) {
        if (!has[i])
            json_hex(j, NULL, bytes_of(sha256[i], SHA256_SIZE));
    }
    json_end(j, ']');
    return api_end(call);
}

/* The body as it was before the agent packed it; *text borrows the body or `room`. */
static enum err unpack(struct api_call *call, struct buf *room, struct bytes *text) {
    struct bytes encoding = http_header(call->rq, "content-encoding");
    *text = call->rq->body;
    if (!encoding.p || bytes_is_nocase(encoding, "identity"))
        return ERR_OK;
    if (!bytes_is_nocase(encoding, "gzip"))
        return fault_set(&call->fault, ERR_USAGE, "content-encoding", "gzip or identity");
    enum err code = gzip_unpack(call->rq->body, room);
    *text = buf_bytes(room);
    if (code == ERR_LIMIT)
        return fault_set(&call->fault, code, "body", "more than %d bytes when unpacked",
                         PUSH_DECODED_MAX);
    if (code != ERR_OK)
        return fault_set(&call->fault, code, "body", "no gzip");
    return ERR_OK;
}

static void json_rejection(struct json *j, size_t line, enum err code, const char *detail) {
    json_object(j, NULL);
    json_int(j, "line", (int64_t)line);
    json_text(j, "code", err_row(code)->name);
    json_text(j, "detail", detail);
    json_end(j, '}');
}

static void answer(struct api_call *call, struct bytes batch, const struct push_lines *lines,
                   const struct inventory_result *result) {
    struct json *j = api_begin(call);
    json_bytes(j, "batch", batch);
    json_int(j, "certificates", (int64_t)result->certificates_new);
    json_int(j, "observations", (int64_t)result->observations);
    json_bool(j, "repeated", result->repeated);
    json_int(j, "unknown", (int64_t)lines->unknown_n);
    json_array(j, "rejected");
    for (size_t i = 0; i < lines->rejections_n; i++) {
        const struct push_rejection *r = &lines->rejections[i];
        json_rejection(j, r->line, r->code, r->detail);
    }
    for (size_t i = 0; i < result->rejections_n; i++) {
        const struct inventory_rejection *r = &result->rejections[i];
        size_t line = r->is_certificate ? lines->certificate_lines[r->index]
                                        : lines->observation_lines[r->index];
        json_rejection(j, line, r->code, r->what);
    }
    json_end(j, ']');
    api_end(call);
}

static enum err store(struct api_call *call, struct arena *arena, struct bytes batch,
                      struct bytes text) {
    struct push_lines lines;
    struct inventory_result result = {0};
    enum err code = push_lines_read(arena, text, &lines, &call->fault);
    if (code != ERR_OK)
        return code;
    struct inventory_push push = {
        .agent = call->agent.id,
        .batch = batch,
        .certificates = lines.certificates,
        .certificates_n = lines.certificates_n,
        .observations = lines.observations,
        .observations_n = lines.observations_n,
        .summary = lines.has_summary ? &lines.summary : NULL,
        .complete = lines.complete,
    };
    code = inventory_push(call->o->inventory, &push, arena, &result, NULL, NULL, &call->fault);
    if (code == ERR_OK) {
        answer(call, batch, &lines, &result);
        log_line(call->o->env, LOG_INFO, "push",
                 "actor=%s certificates=%zu observations=%zu rejected=%zu repeated=%d", call->actor,
                 result.certificates_new, result.observations,
                 lines.rejections_n + result.rejections_n, result.repeated);
    }
    return code;
}

enum err api_push_observations(struct api_call *call) {
    uint8_t raw[BATCH_SIZE];
    struct bytes batch = http_param(call->rq, "batch"), text;
    struct bytes type = http_header(call->rq, "content-type");
    if (!hex_read(batch, raw, sizeof raw))
        return fault_set(&call->fault, ERR_USAGE, "batch", "%d hex digits", 2 * BATCH_SIZE);
    if (!bytes_starts(type, "application/x-ndjson"))
        return fault_set(&call->fault, ERR_USAGE, "content-type", "application/x-ndjson is wanted");
    struct buf room;
    struct arena arena;
    buf_init(&room, PUSH_DECODED_MAX);
    arena_init(&arena, PUSH_ARENA_MAX);
    enum err code = unpack(call, &room, &text);
    if (code == ERR_OK)
        code = store(call, &arena, batch, text);
    arena_clear(&arena);
    buf_clear(&room);
    return code;
}
