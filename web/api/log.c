/* The log's head, signed, and proofs over it. See api.h.
 *
 * A head is signed when somebody asks for it: one that nobody has seen binds nobody. Ed25519
 * signs alike each time, so the same head gives the same note. */
#include "web/api/api_private.h"

#include "base/text.h"

static void put_root(const struct store_tree *tree, struct json *j) {
    uint8_t root[STORE_HASH_SIZE];
    store_tree_root(tree, root);
    json_hex(j, "root", bytes_of(root, sizeof root));
}

static void put_key(struct api_call *call, struct json *j) {
    const struct api_log_key *key = call->o->log_key;
    struct buf line;
    if (!key) {
        json_null(j, "name");
        json_null(j, "verifier_key");
        return;
    }
    buf_init(&line, 1000);
    checkpoint_key_write(&key->key, &line);
    json_text(j, "name", key->key.name);
    json_bytes(j, "verifier_key", buf_bytes(&line));
    buf_clear(&line);
}

enum err api_log_head(struct api_call *call) {
    struct store_tree tree = inventory_tree(call->o->inventory);
    struct json *j = api_begin(call);
    json_int(j, "entries", (int64_t)tree.size);
    put_root(&tree, j);
    put_key(call, j);
    return api_end(call);
}

enum err api_log_checkpoint(struct api_call *call) {
    const struct api_log_key *key = call->o->log_key;
    struct store_tree tree = inventory_tree(call->o->inventory);
    struct checkpoint head = {.size = tree.size};
    if (!key)
        return fault_set(&call->fault, ERR_UNSUPPORTED, "checkpoint", "there is no key that signs");
    store_tree_root(&tree, head.root);
    checkpoint_write(&head, &key->key, key->secret, &call->rq->response.body);
    return ERR_OK;
}

/* A size out of the query; 0 where it is not there. */
static enum err read_size(struct api_call *call, const char *name, uint64_t *out) {
    struct bytes text = http_param(call->rq, name);
    *out = 0;
    if (!text.p || (number_read(text, INT64_MAX, out) && *out > 0))
        return ERR_OK;
    return fault_set(&call->fault, ERR_USAGE, name, "a number from 1 on");
}

static enum err answer(struct api_call *call, const struct proof *p) {
    proof_json(api_begin(call), p);
    return api_end(call);
}

enum err api_log_consistency(struct api_call *call) {
    struct proof p;
    uint64_t from, size;
    enum err code = read_size(call, "from", &from);
    if (code == ERR_OK)
        code = read_size(call, "size", &size);
    if (code == ERR_OK)
        code = inventory_prove_begin(call->o->inventory, from, size, &call->rq->arena, &p,
                                     &call->fault);
    return code == ERR_OK ? answer(call, &p) : code;
}

enum err api_certificates_proof(struct api_call *call) {
    struct proof p;
    uint8_t sha256[SHA256_SIZE];
    uint64_t size;
    enum err code = api_path_id(call, 0, sha256, sizeof sha256, "certificate");
    if (code == ERR_OK)
        code = read_size(call, "size", &size);
    if (code == ERR_OK)
        code = inventory_prove_cert(call->o->inventory, sha256, size, &call->rq->arena, &p,
                                    &call->fault);
    return code == ERR_OK ? answer(call, &p) : code;
}
