/* What is known of a file that certificates were looked for in, beside them.
 *
 *   "file":{"container":"pem","owner":"root","owner_id":0,"group":"ssl-cert","group_id":110,
 *    "mode":"0640","modified":"2026-01-01T00:00:00Z","size":1675,"private_keys":1}
 *
 * A member of observations of kind `file`; null where the system has no such thing (ids
 * and mode on Windows) or the file could not be looked at. Never anything of a key itself.
 */
#ifndef MODEL_FILE_FACTS_H
#define MODEL_FILE_FACTS_H

#include "base/json.h"

enum { MODEL_FILE_TEXT_MAX = 255 };

struct model_file_facts {       /* texts are borrowed; an empty one is null in JSON */
    struct bytes container;     /* "pem", "der", "pkcs7", "pkcs12", "jks" */
    struct bytes owner, group;  /* names */
    int64_t owner_id, group_id; /* -1: none */
    int mode;                   /* lowest twelve bits; -1: none */
    int64_t modified_s;
    uint64_t size_bytes;
    uint64_t private_keys; /* that lie in it */
};

void model_file_facts_json(struct json *j, const char *key, const struct model_file_facts *facts);

/* Keys of others: may everybody read it? */
bool model_file_is_open(const struct model_file_facts *facts);

#endif
