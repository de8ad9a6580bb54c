/* What agents send: which certificates are missing, and batches. See api.h.
 *
 * Observations that say nothing new come as confirmations. They are made whole here, and stored
 * like the others; where one cannot be, nothing of the batch is stored and the answer is 409: the
 * agent sends all of it whole. Its answer tells the numbers of the faces of whole observations,
 * by which a later confirmation names them.
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

/* Of the `whole` observations that came as lines. */
static void json_faces(struct json *j, const struct inventory_result *result, size_t whole) {
    if (result->faces == NULL)
        return;
    json_array(j, "faces");
    for (size_t i = 0; i < whole; i++) {
        if (result->faces[i] == INVENTORY_NO_FACE)
            json_null(j, NULL);
        else
            json_int(j, NULL, result->faces[i]);
    }
    json_end(j, ']');
}

static void answer(struct api_call *call, struct bytes batch, const struct push_lines *lines,
                   size_t whole, const struct inventory_result *result) {
    struct json *j = api_begin(call);
    json_bytes(j, "batch", batch);
    json_int(j, "certificates", (int64_t)result->certificates_new);
    json_int(j, "observations", (int64_t)result->observations);
    json_bool(j, "repeated", result->repeated);
    json_int(j, "confirmed", (int64_t)(lines->observations_n - whole));
    json_int(j, "unknown", (int64_t)lines->unknown_n);
    json_faces(j, result, whole);
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

/* Puts what the confirmations stand for behind the observations. */
static enum err make_whole(struct api_call *call, struct arena *arena, struct push_lines *lines) {
    size_t n = lines->observations_n;
    for (size_t i = 0; i < lines->confirmations_n; i++)
        n += lines->confirmations[i].said.n;
    if (n == lines->observations_n)
        return ERR_OK;
    if (n > INVENTORY_PUSH_MAX)
        return fault_set(&call->fault, ERR_LIMIT, "push", "at most %d observations at once",
                         INVENTORY_PUSH_MAX);
    struct model_observation *all = arena_array(arena, n, sizeof *all);
    size_t *all_lines = arena_array(arena, n, sizeof *all_lines);
    if (!all || !all_lines)
        return fault_set(&call->fault, arena->err, "push", "%zu observations", n);
    n = lines->observations_n;
    if (n > 0) {
        memcpy(all, lines->observations, n * sizeof *all);
        memcpy(all_lines, lines->observation_lines, n * sizeof *all_lines);
    }
    for (size_t i = 0; i < lines->confirmations_n; i++) {
        const struct push_confirmation *c = &lines->confirmations[i];
        enum err code =
            inventory_confirmed(call->o->inventory, &c->said, arena, all + n, &call->fault);
        if (code != ERR_OK)
            return code;
        for (size_t k = 0; k < c->said.n; k++)
            all_lines[n++] = c->line;
    }
    lines->observations = all;
    lines->observation_lines = all_lines;
    lines->observations_n = n;
    return ERR_OK;
}

static enum err store(struct api_call *call, struct arena *arena, struct bytes batch,
                      struct bytes text) {
    struct push_lines lines;
    struct inventory_result result = {0};
    enum err code = push_lines_read(arena, text, &lines, &call->fault);
    size_t whole = lines.observations_n;
    if (code == ERR_OK)
        code = make_whole(call, arena, &lines);
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
        answer(call, batch, &lines, whole, &result);
        log_line(
            call->o->env, LOG_INFO, "push",
            "actor=%s certificates=%zu observations=%zu confirmed=%zu rejected=%zu repeated=%d",
            call->actor, result.certificates_new, result.observations, lines.observations_n - whole,
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
