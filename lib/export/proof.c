/* Proofs as JSON. See proof.h. */
#include "export/proof.h"

static void put_hash(struct json *j, const char *key, const uint8_t hash[SHA256_SIZE]) {
    json_hex(j, key, bytes_of(hash, SHA256_SIZE));
}

void proof_json(struct json *j, const struct proof *p) {
    json_text(j, "type", p->is_inclusion ? "inclusion_proof" : "consistency_proof");
    if (p->is_inclusion) {
        put_hash(j, "sha256", p->sha256);
        json_int(j, "entry", (int64_t)p->entry);
    } else {
        json_int(j, "old_size", (int64_t)p->old_size);
        put_hash(j, "old_root", p->old_root);
    }
    json_int(j, "tree_size", (int64_t)p->size);
    put_hash(j, "root", p->root);
    json_array(j, "hashes");
    for (size_t i = 0; i < p->hashes_n; i++)
        put_hash(j, NULL, p->hashes + i * SHA256_SIZE);
    json_end(j, ']');
    if (p->is_inclusion)
        json_hex(j, "canonical", p->canonical);
}
