/* ers push: sends what scans left in the spool. */
#include "applets/ers/ers.h"
#include "applets/ers/spool.h"

static void tell(const struct agent *a, const struct spool_sent *sent) {
    char n[28];
    if (a->common->json) {
        fprintf(a->env->out,
                "{\"type\":\"push\",\"batches\":%llu,\"observations\":%llu,\"certificates\":%llu,"
                "\"refused\":%llu,\"repeated\":%llu}\n",
                (unsigned long long)sent->batches, (unsigned long long)sent->observations,
                (unsigned long long)sent->certificates, (unsigned long long)sent->refused,
                (unsigned long long)sent->repeated);
        return;
    }
    if (a->common->quiet)
        return;
    if (sent->batches == 0 && sent->refused == 0) {
        fputs("nothing to push\n", a->env->out);
        return;
    }
    fprintf(a->env->out, "pushed %s observation%s", ers_number(sent->observations, n),
            sent->observations == 1 ? "" : "s");
    fprintf(a->env->out, ", %s new certificate%s, to %s\n", ers_number(sent->certificates, n),
            sent->certificates == 1 ? "" : "s", agent_server_shown(a->arena, a->config.server));
    if (sent->refused > 0)
        fprintf(a->env->err, "ers push: the server refused %s lines, see %s/refused\n",
                ers_number(sent->refused, n), a->spool);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct agent a;
    struct os_lock lock = {.handle = -1};
    struct spool_sent sent = {0};
    struct fault f = {0};
    (void)options;
    enum err err = agent_open(env, common, &a, &f);
    if (!err && !a.enrolled)
        err = fault_set(&f, ERR_CREDENTIALS, "enrolment", "no server yet: ers login URL");
    if (!err)
        err = agent_state_make(&a, &f);
    if (!err)
        err = os_lock_open(&lock, a.lock_file, &f);
    if (!err)
        err = spool_push(&a, &sent, &f);
    if (!err)
        tell(&a, &sent);
    if (lock.handle != -1)
        os_lock_close(&lock);
    if (err == ERR_NETWORK || err == ERR_TIMEOUT || err == ERR_TLS || err == ERR_BUSY) {
        opt_fail(env, common, &f);
        return err_row(ERR_UNDELIVERED)->exit_status;
    }
    return err ? opt_fail(env, common, &f) : 0;
}

static const struct opt_row rows[] = {
    {OPT_END, 0, NULL, NULL, 0, NULL}
};

const struct opt_command ers_push = {
    .name = "push",
    .arguments = "",
    .summary = "send what the server does not have yet",
    .examples = "ers push",
    .rows = rows,
    .run = run,
};
