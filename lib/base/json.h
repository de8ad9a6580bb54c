/* JSON (RFC 8259): the one writer and the one reader. jsmn finds the tokens;
 * strictness is ours: UTF-8, depth, duplicate keys, numbers, nothing behind.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"

/* Writer. Every call takes the key of the member, NULL inside arrays and at
 * the top. Errors gather in the buffer. Invalid UTF-8 becomes U+FFFD. */
enum { JSON_DEPTH_MAX = 16 };

struct json {
    struct buf *out;
    bool has_member[JSON_DEPTH_MAX];
    unsigned depth;
};

struct json json_to(struct buf *out);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j, char closing);                         /* '}' or ']' */
void json_bytes(struct json *j, const char *key, struct bytes text); /* a string */
void json_text(struct json *j, const char *key, const char *text);   /* NULL: null */
void json_int(struct json *j, const char *key, int64_t n);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
void json_bool_or_null(struct json *j, const char *key, bool is_known, bool v);
void json_hex(struct json *j, const char *key, struct bytes b);
void json_time(struct json *j, const char *key,
               int64_t unix_s); /* RFC 3339; null outside years 0..9999 */

/* Reader. */
enum json_type {
    JSON_NONE,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_doc; /* in the arena, borrows the text */

struct json_value {
    const struct json_doc *doc; /* NULL: absent, of JSON_NONE */
    int at;
};

/* The text is one object, array or string: no format here is a bare number or
 * literal. Limits: size of text by the caller, JSON_DEPTH_MAX levels, `tokens_max` values. */
enum err json_read(struct arena *a, struct bytes text, size_t tokens_max, struct json_value *out,
                   struct fault *f) MUST_CHECK;

enum json_type json_type_of(struct json_value v);
struct json_value json_get(struct json_value object, const char *key); /* JSON_NONE where absent */
size_t json_count(struct json_value v);                                /* members or elements */
/* Iteration over an array or object: json_first, then json_next until JSON_NONE.
 * For objects the values; their keys by json_key. */
struct json_value json_first(struct json_value v);
struct json_value json_next(struct json_value v);
struct bytes json_key(struct json_value member); /* raw, borrowed */
/* The string unescaped, in the arena (borrowed from the text where nothing is
 * escaped). False where it is no string. */
bool json_string(struct json_value v, struct arena *a, struct bytes *out);
bool json_integer(struct json_value v,
                  int64_t *out); /* false for fractions and what does not fit */
bool json_boolean(struct json_value v, bool *out);
struct bytes json_source(struct json_value v); /* its JSON text */

/* Names the first member that is not in `known` (NULL-terminated); ERR_FORMAT. */
enum err json_only(struct json_value object, const char *const *known, struct fault *f) MUST_CHECK;

#endif
