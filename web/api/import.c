/* Certificates out of files, as PEM: the command has read whatever the file was. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"

/* All certificates of the text, in the arena. */
static enum err read_all(struct api_call *call, struct bytes text, struct bytes **out, size_t *n) {
    struct arena *a = &call->rq->arena;
    struct cur c = cur_open(text);
    struct pem_object object;
    struct buf der;
    enum err code = ERR_OK;
    *n = 0;
    *out = arena_array(a, INVENTORY_IMPORT_MAX, sizeof **out);
    if (*out == NULL)
        return fault_set(&call->fault, ERR_MEMORY, "pem", "no room");
    buf_init(&der, X509_DER_MAX);
    while (code == ERR_OK && pem_next(&c, &der, &object)) {
        if (object.kind != PEM_CERTIFICATE || object.der.n == 0)
            code =
                fault_set(&call->fault, ERR_USAGE, "pem", "object %zu is no certificate", *n + 1);
        else if (*n == INVENTORY_IMPORT_MAX)
            code = fault_set(&call->fault, ERR_LIMIT, "pem", "at most %d at once",
                             INVENTORY_IMPORT_MAX);
        else
            (*out)[(*n)++] = arena_copy(a, object.der);
        if (code == ERR_OK && a->err != ERR_OK)
            code = fault_set(&call->fault, a->err, "pem", "no room");
    }
    buf_clear(&der);
    return code;
}

enum err api_imports_add(struct api_call *call) {
    struct bytes file = {0}, pem = {0}, *ders;
    struct inventory_imported done;
    struct buf object;
    size_t n;
    if (!api_text(call, "file", &file) || file.n == 0 || file.n > INVENTORY_TEXT_MAX - 5 ||
        !utf8_valid(file))
        return fault_set(&call->fault, ERR_USAGE, "file", "1 to %d bytes of UTF-8",
                         INVENTORY_TEXT_MAX - 5);
    if (!api_text(call, "pem", &pem))
        return fault_set(&call->fault, ERR_USAGE, "pem", "is wanted");
    enum err code = read_all(call, pem, &ders, &n);
    if (code != ERR_OK)
        return code;
    buf_init(&object, INVENTORY_TEXT_MAX);
    buf_text(&object, "file:");
    buf_put(&object, file);
    struct inventory_import in = {bytes_text(call->actor), buf_bytes(&object), ders, n};
    code = inventory_import(call->o->inventory, &in, &call->rq->arena, &done, &call->fault);
    buf_clear(&object);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_int(j, "added", (int64_t)done.added);
    json_int(j, "known", (int64_t)done.known);
    return api_end(call);
}
