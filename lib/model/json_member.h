/* Private to the room: reading the members of an object strictly, with one check at the end.
 *
 * The first failure stays in `err` and names the member in the fault; later
 * reads yield nothing.
 */
#ifndef MODEL_JSON_MEMBER_H
#define MODEL_JSON_MEMBER_H

#include "base/json.h"
#include "model/file_facts.h"

struct member {
    struct arena *arena;
    struct json_value object;
    struct fault *fault;
    enum err err;
};

/* Refuses what is no object of this `type`. */
struct member member_open(struct arena *a, struct json_value v, const char *type, struct fault *f);

void member_fail(struct member *m, enum err code, const char *key);
/* ERR_FORMAT where `holds` is false. */
void member_demand(struct member *m, const char *key, bool holds);

/* UTF-8 of 1 to `max` bytes. _or_null: absent, null and "" are the empty view. */
struct bytes member_text(struct member *m, const char *key, size_t max);
struct bytes member_text_or_null(struct member *m, const char *key, size_t max);
/* 0 to max. _or_null: absent and null are 0 and *is_there (may be NULL) false. */
uint64_t member_number(struct member *m, const char *key, uint64_t max);
uint64_t member_number_or_null(struct member *m, const char *key, uint64_t max, bool *is_there);
/* Absent and null are false. */
bool member_bool_or_false(struct member *m, const char *key);
int64_t member_time(struct member *m, const char *key);

/* An object within; member_join carries its failure back. False: absent or null. */
bool member_object_or_null(struct member *m, const char *key, struct member *out);
void member_join(struct member *m, const struct member *inner);
/* How many members are not in `known` (NULL closes it). */
size_t member_unknown(const struct member *m, const char *const *known);

/* file_facts.c: its reader; returns how many members it did not know. */
size_t model_file_facts_read(struct member *m, struct model_file_facts *out);

#endif
