/* clm-server check: reads every block and entry of the log and rebuilds its tree.
 *
 * Read-only and without a lock, so it runs beside the server; it sees what was durable
 * when it began.
 */
#include "applets/clm-server/server.h"

#include "base/text.h"

#include <inttypes.h>

struct check_options {
    const char *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "data", "DIR", offsetof(struct check_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,   NULL,  0, NULL},
};
/* clang-format on */

struct account {
    struct store_account log;
    size_t harms;
    enum err worst; /* of the harms: ERR_OK for a torn end */
    uint8_t root[STORE_HASH_SIZE];
};

static enum err read_all(struct store_reader *reader, struct account *account, struct fault *f) {
    enum err code = store_reader_account(reader, INT64_MAX, NULL, NULL, &account->log, f);
    const struct store_harm *h;
    account->harms = store_reader_harms(reader);
    for (size_t i = 0; (h = store_reader_harm(reader, i)) != NULL; i++)
        if (store_harm_code(h) != ERR_OK)
            account->worst = store_harm_code(h);
    if (account->log.wrong_heads > 0)
        account->worst = ERR_DAMAGED;
    store_tree_root(&account->log.tree, account->root);
    return code;
}

static void print_harms(FILE *out, const struct store_reader *reader) {
    const struct store_harm *h;
    for (size_t i = 0; (h = store_reader_harm(reader, i)) != NULL; i++) {
        struct buf text;
        buf_init(&text, 1024);
        store_harm_text(h, &text);
        fprintf(out, "%-10s  %s\n", store_harm_code(h) == ERR_OK ? "warning" : "damage",
                buf_cstr(&text));
        buf_clear(&text);
    }
}

static void print(const struct env *env, const struct opt_common *common, const char *data,
                  const struct store_reader *reader, const struct account *account) {
    char root[2 * STORE_HASH_SIZE + 1];
    hex_write(root, bytes_of(account->root, sizeof account->root));
    if (common->json) {
        fprintf(env->out,
                "{\"entries\":%" PRIu64 ",\"dropped\":%" PRIu64
                ",\"root\":\"%s\",\"harms\":%zu,\"code\":\"%s\"}\n",
                account->log.tree.size, account->log.dropped, root, account->harms,
                err_row(account->worst)->name);
        return;
    }
    fprintf(env->out, "store       %s\n", data);
    fprintf(env->out, "entries     %" PRIu64 "\n", account->log.tree.size);
    if (account->log.dropped > 0)
        fprintf(env->out, "dropped     %" PRIu64 " of them, their hashes are in the tree\n",
                account->log.dropped);
    fprintf(env->out, "tree        %s\n", root);
    print_harms(env->out, reader);
    if (account->log.wrong_heads > 0)
        fprintf(env->out, "%-10s  %s: the entries before it are not those that it names\n",
                "damage", account->log.wrong_head);
    if (account->harms == 0 && account->log.wrong_heads == 0)
        fprintf(env->out, "sound       every block and entry\n");
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct check_options *o = options;
    struct settings s;
    struct store_reader *reader = NULL;
    struct account account = {0};
    struct fault f = {0};
    enum err code =
        o->data ? settings_places(common, o->data, &s, &f) : settings_read(common, NULL, &s, &f);
    if (code == ERR_OK)
        code = store_reader_open(s.data, &reader, &f);
    if (code == ERR_OK)
        code = read_all(reader, &account, &f);
    if (code == ERR_OK)
        print(env, common, s.data, reader, &account);
    store_reader_close(reader);
    if (code != ERR_OK)
        return opt_fail(env, common, &f);
    return err_row(account.worst)->exit_status;
}

const struct opt_command clm_server_check = {
    .name = "check",
    .arguments = "",
    .summary = "verify every block of the store and its tree, read-only",
    .examples = "clm-server check\nclm-server check --data /var/lib/clm/server --json",
    .rows = rows,
    .size = sizeof(struct check_options),
    .run = run,
};
