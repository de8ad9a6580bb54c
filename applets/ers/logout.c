/* ers logout: this host forgets its server. The server keeps what it was told and
 * the agent's name; there it is disabled by an administrator. */
#include "applets/ers/ers.h"
#include "applets/ers/spool.h"

#include "base/file.h"

static void tell(const struct agent *a, const char *server, const struct spool_totals *spool) {
    char n[28];
    if (a->common->json)
        fprintf(a->env->out, "{\"type\":\"logout\",\"spooled_batches\":%llu}\n",
                (unsigned long long)spool->batches);
    else if (!a->common->quiet)
        fprintf(a->env->out, "forgotten %s; targets stay. Disable the agent there too.\n", server);
    if (spool->batches > 0)
        fprintf(a->env->err, "ers logout: %s batch%s never pushed stay in %s\n",
                ers_number(spool->batches, n), spool->batches == 1 ? "" : "es", a->spool);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct agent a;
    struct os_lock lock = {.handle = -1};
    struct spool_totals spool = {0};
    struct fault f = {0};
    (void)options;
    enum err err = agent_open(env, common, &a, &f);
    const char *server =
        !err && a.config.server ? agent_server_shown(a.arena, a.config.server) : NULL;
    if (!err && !server && !file_exists(a.key_file)) {
        if (!common->quiet)
            fputs("not enrolled: nothing to do\n", env->err);
        return 0;
    }
    if (!err)
        err = agent_state_make(&a, &f);
    if (!err)
        err = os_lock_open(&lock, a.lock_file, &f);
    if (!err)
        err = file_remove(a.key_file, &f);
    if (!err) {
        a.config = (struct agent_config){0};
        err = agent_config_save(&a, &f);
    }
    if (!err)
        err = spool_measure(&a, &spool, &f);
    if (!err)
        tell(&a, server ? server : "the key", &spool);
    if (lock.handle != -1)
        os_lock_close(&lock);
    return err ? opt_fail(env, common, &f) : 0;
}

static const struct opt_row rows[] = {
    {OPT_END, 0, NULL, NULL, 0, NULL}
};

const struct opt_command ers_logout = {
    .name = "logout",
    .arguments = "",
    .summary = "forget the server and the key",
    .examples = "ers logout",
    .rows = rows,
    .run = run,
};
