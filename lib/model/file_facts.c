/* See file_facts.h. The reader is private to the room. */
#include "model/file_facts.h"

#include "model/json_member.h"

#include <stdio.h>

enum { MODE_MAX = 07777, MODE_DIGITS = 4, OTHERS_READ = 0004, WIDENED = 3 };

static void put_text(struct json *j, const char *key, struct bytes text) {
    if (text.n == 0)
        json_null(j, key);
    else
        json_bytes(j, key, bytes_part(text, 0, MODEL_FILE_TEXT_MAX));
}

static void put_id(struct json *j, const char *key, int64_t id) {
    if (id < 0)
        json_null(j, key);
    else
        json_int(j, key, id);
}

static int64_t number_of(uint64_t n) {
    return n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

void model_file_facts_json(struct json *j, const char *key, const struct model_file_facts *facts) {
    char mode[16];
    snprintf(mode, sizeof mode, "%04o", (unsigned)facts->mode & MODE_MAX);
    json_object(j, key);
    put_text(j, "container", facts->container);
    put_text(j, "owner", facts->owner);
    put_id(j, "owner_id", facts->owner_id);
    put_text(j, "group", facts->group);
    put_id(j, "group_id", facts->group_id);
    json_text(j, "mode", facts->mode >= 0 ? mode : NULL);
    json_time(j, "modified", facts->modified_s);
    json_int(j, "size", number_of(facts->size_bytes));
    json_int(j, "private_keys", number_of(facts->private_keys));
    json_end(j, '}');
}

static int64_t read_id(struct member *m, const char *key) {
    bool is_there;
    uint64_t id = member_number_or_null(m, key, INT64_MAX, &is_there);
    return is_there ? (int64_t)id : -1;
}

static int read_mode(struct member *m) {
    struct bytes text = member_text_or_null(m, "mode", MODE_DIGITS);
    int mode = 0;
    if (text.n == 0)
        return -1;
    for (size_t i = 0; i < text.n; i++) {
        member_demand(m, "mode", text.p[i] >= '0' && text.p[i] <= '7');
        mode = mode * 8 + (text.p[i] & 7);
    }
    return mode;
}

static const char *const known[] = {
    "container", "owner",    "owner_id", "group",        "group_id",
    "mode",      "modified", "size",     "private_keys", NULL,
};

size_t model_file_facts_read(struct member *m, struct model_file_facts *out) {
    out->container = member_text_or_null(m, "container", WIDENED * MODEL_FILE_TEXT_MAX);
    out->owner = member_text_or_null(m, "owner", WIDENED * MODEL_FILE_TEXT_MAX);
    out->owner_id = read_id(m, "owner_id");
    out->group = member_text_or_null(m, "group", WIDENED * MODEL_FILE_TEXT_MAX);
    out->group_id = read_id(m, "group_id");
    out->mode = read_mode(m);
    out->modified_s = 0;
    if (json_type_of(json_get(m->object, "modified")) == JSON_STRING)
        out->modified_s = member_time(m, "modified");
    out->size_bytes = member_number(m, "size", INT64_MAX);
    out->private_keys = member_number(m, "private_keys", INT64_MAX);
    return member_unknown(m, known);
}

bool model_file_is_open(const struct model_file_facts *facts) {
    return facts->mode >= 0 && (facts->mode & OTHERS_READ) != 0;
}
