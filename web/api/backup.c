/* What a backup needs of the server, and when the last one was made. See api.h.
 *
 * The command that makes a backup reads the files itself: it asks how far the log is durable,
 * copies up to there, and says when it is done. */
#include "web/api/api_private.h"

#include "base/text.h"
#include "base/version.h"
#include "store/backup/backup.h"

enum err api_log_point(struct api_call *call) {
    struct store_point point = inventory_point(call->o->inventory);
    struct json *j = api_begin(call);
    struct buf range;
    buf_init(&range, STORE_TREE_RANGE_MAX * STORE_HASH_SIZE);
    buf_put(&range, bytes_of(point.tree.range,
                             store_tree_range(point.tree.size) * (size_t)STORE_HASH_SIZE));
    json_int(j, "entries", (int64_t)point.tree.size);
    json_hex(j, "range", buf_bytes(&range));
    json_int(j, "segment", point.segment);
    json_int(j, "at", (int64_t)point.at);
    json_text(j, "server", call->o->name);
    json_text(j, "version", CLM_VERSION);
    buf_clear(&range);
    return api_end(call);
}

static enum err read_note(struct api_call *call, struct backup_note *out) {
    struct bytes folder = {0};
    int64_t entries = -1, bytes = -1;
    *out = (struct backup_note){.time_s = api_now_s(call)};
    if (!api_text(call, "folder", &folder) || folder.n == 0 || folder.n > INVENTORY_TEXT_MAX)
        return fault_set(&call->fault, ERR_USAGE, "folder", "1 to %d bytes", INVENTORY_TEXT_MAX);
    if (!api_number(call, "entries", &entries) || entries < 0 ||
        !api_number(call, "bytes", &bytes) || bytes < 0)
        return fault_set(&call->fault, ERR_USAGE, "entries", "numbers from 0 on");
    if (!api_bool(call, "secrets", &out->has_secrets))
        out->has_secrets = false;
    out->folder = arena_cstr(&call->rq->arena, folder);
    out->entries = (uint64_t)entries;
    out->bytes = (uint64_t)bytes;
    return out->folder != NULL ? ERR_OK : fault_set(&call->fault, ERR_MEMORY, "folder", "no room");
}

enum err api_backup_made(struct api_call *call) {
    struct backup_note note;
    char detail[200];
    enum err code = read_note(call, &note);
    if (code == ERR_OK && call->o->data == NULL)
        code = fault_set(&call->fault, ERR_UNSUPPORTED, "backup", "there is no data folder");
    if (code == ERR_OK)
        code = backup_note_write(call->o->data, &note, &call->fault);
    if (code != ERR_OK)
        return code;
    snprintf(detail, sizeof detail, "%llu entries, %s secrets", (unsigned long long)note.entries,
             note.has_secrets ? "with" : "without");
    code = api_audit(call, "backup", "folder", bytes_text(note.folder), detail);
    if (code != ERR_OK)
        return code;
    json_time(api_begin(call), "time", note.time_s);
    return api_end(call);
}

void api_json_backup(struct api_call *call, struct json *j) {
    struct backup_note note = {0};
    int64_t now_s = api_now_s(call);
    if (call->o->data != NULL)
        backup_note_read(&call->rq->arena, call->o->data, &note);
    bool is_wanted = call->o->backups_set || note.time_s != 0;
    json_object(j, "backup");
    json_bool(j, "configured", call->o->backups_set);
    if (note.time_s != 0)
        json_time(j, "time", note.time_s);
    else
        json_null(j, "time");
    json_text(j, "folder", note.folder);
    json_int(j, "entries", (int64_t)note.entries);
    json_bool(j, "secrets", note.has_secrets);
    json_bool(j, "old", is_wanted && now_s - note.time_s > BACKUP_OLD_S);
    json_end(j, '}');
}
