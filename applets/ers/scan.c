/* ers scan: looks at the targets, tells what is there, and brings it to the server.
 *
 * Two ways. Without words: the configured targets, under a lock, compared with the
 * last scan, spooled and pushed where the agent is enrolled. With words: a look at
 * these, and nothing is remembered; --push spools and pushes what it saw.
 */
#include "applets/ers/ers.h"
#include "applets/ers/scan.h"

#include "base/thread.h"

#include <string.h>

enum { ROWS_MAX = 1 << 30, TEXT_MAX = 32 << 20, LINES_MAX = 64 << 20 };

static void defaults(void *options) {
    struct scan_options *o = options;
    struct probe_limits limits = probe_limits_default();
    o->timeout_ms = limits.timeout_ms;
    o->deadline_ms = limits.deadline_ms;
    o->rate = limits.rate;
    o->per_host = limits.per_host;
    o->parallel = limits.parallel;
    o->chain_max_kb = limits.handshake_max / 1024;
}

/* ---- outputs ---- */

static enum err open_output(struct scan *s, struct fault *f) {
    const char *path = s->options->output;
    if (!path || strcmp(path, "-") == 0) {
        s->lines.is_open = s->common->json || path;
        return ERR_OK;
    }
    enum err err = file_open(&s->output.file, path, FILE_APPEND, f);
    if (!err && (err = file_truncate(&s->output.file, 0, f)) != ERR_OK)
        file_close(&s->output.file);
    s->output.is_open = !err;
    s->lines.is_open = s->common->json;
    return err;
}

static enum err open_outputs(struct scan *s, struct fault *f) {
    bool to_stdout =
        s->common->json || (s->options->output && strcmp(s->options->output, "-") == 0);
    buf_init(&s->lines.buf, LINES_MAX);
    buf_init(&s->output.buf, LINES_MAX);
    arena_init(&s->arena, ROWS_MAX);
    s->lines.out = s->env->out;
    s->lines.pem = s->options->pem || !s->common->json;
    s->output.pem = true; /* for `import`, which needs the certificates */
    s->is_spooled = s->agent.enrolled && (!s->is_look || s->options->push);
    s->shows_table = !to_stdout && !s->common->quiet;
    s->wants_rows = !s->is_look || s->shows_table || s->look;
    s->is_terminal = os_is_terminal(1);
    s->has_progress = os_is_ansi(2) && !s->common->quiet;
    enum err err = open_output(s, f);
    if (!err && s->is_spooled)
        err = spool_writer_open(&s->spool, &s->agent, f);
    if (!err && !s->is_look && last_read(s->common->arena, s->agent.last, &s->last, f)) {
        fprintf(s->env->err, "ers scan: %s is damaged: all is new this time\n", s->agent.last);
        s->last = (struct last){0};
    }
    if (!err && s->is_pass)
        err = done_begin(&s->done, s->agent.done, &s->before, env_now_s(s->env), f);
    return err || s->is_look ? err : scan_plan_known(s, f);
}

static void close_outputs(struct scan *s) {
    if (scan_stream_close(&s->lines, NULL) || scan_stream_close(&s->output, NULL)) {
        /* told before, where it mattered */
    }
    spool_writer_clear(&s->spool);
    done_close(&s->done);
    buf_clear(&s->lines.buf);
    buf_clear(&s->output.buf);
    buf_clear(&s->text);
    arena_clear(&s->arena);
}

/* ---- before and behind the run ---- */

static bool is_stopped(const struct scan *s) {
    return s->env->stop && *s->env->stop;
}

/* Agents of one timer shall not all come at once. */
static void wait_jitter(struct scan *s) {
    uint64_t random = 0;
    if (s->options->jitter_ms == 0 ||
        !s->env->random(s->env->context, (uint8_t *)&random, sizeof random))
        return;
    uint64_t end = s->env->tick_ms(s->env->context) + random % (s->options->jitter_ms + 1);
    struct mutex *m = mutex_open();
    struct cond *c = cond_open();
    if (m && c) {
        mutex_lock(m);
        while (!is_stopped(s) && s->env->tick_ms(s->env->context) < end)
            cond_wait_ms(c, m, 200);
        mutex_unlock(m);
    }
    if (c)
        cond_close(c);
    if (m)
        mutex_close(m);
}

static int show_plan(struct scan *s) {
    char n[28], e[28];
    if (s->common->json) {
        struct json j = json_to(&s->text);
        json_object(&j, NULL);
        json_text(&j, "type", "plan");
        json_int(&j, "targets", (int64_t)s->plan.targets_n);
        json_int(&j, "endpoints", s->endpoints <= INT64_MAX ? (int64_t)s->endpoints : INT64_MAX);
        json_end(&j, '}');
        fprintf(s->env->out, "%s\n", buf_cstr(&s->text));
        return 0;
    }
    for (size_t i = 0; i < s->plan.targets_n; i++) {
        const struct model_target *t = &s->plan.targets[i];
        struct model_count c = {0};
        if (model_target_count(t, &s->plan.default_ports, s->plan.exclusions, &c) == ERR_OK)
            fprintf(s->env->out, "%.*s  %s endpoint%s\n", (int)t->key.n, (const char *)t->key.p,
                    ers_number(c.endpoints, n), c.endpoints == 1 ? "" : "s");
    }
    fprintf(s->env->out, "%s target%s, %s endpoint%s; nothing was connected to\n",
            ers_number(s->plan.targets_n, n), s->plan.targets_n == 1 ? "" : "s",
            ers_number(s->endpoints, e), s->endpoints == 1 ? "" : "s");
    return 0;
}

static enum err record_passes(struct scan *s, struct fault *f) {
    struct arena *a = s->common->arena;
    struct model_passes old;
    struct bytes *keys = arena_array(a, s->plan.targets_n + 1, sizeof *keys);
    if (!keys)
        return fault_set(f, a->err, "passes", "%s", "");
    for (size_t i = 0; i < s->plan.targets_n; i++)
        keys[i] = s->plan.targets[i].key;
    enum err err = model_passes_read(a, s->agent.places.passes, &old, f);
    return err ? err
               : model_passes_record(s->agent.places.passes, &old, keys, s->plan.targets_n,
                                     s->summary.time_s, f);
}

/* ---- delivery ---- */

/* Spools the end, pushes, and says what came of it in `said`. */
static enum err deliver(struct scan *s, struct bytes summary, char *said, size_t size,
                        struct fault *f) {
    uint64_t dropped = 0;
    struct spool_sent sent;
    const char *server =
        s->agent.enrolled ? agent_server_shown(s->common->arena, s->agent.config.server) : "";
    said[0] = '\0';
    if (!s->is_spooled) {
        if (!s->is_look)
            snprintf(said, size, "no server to push to (ers login)");
        return ERR_OK;
    }
    enum err err = spool_finish(&s->spool, summary, &dropped, f);
    if (dropped > 0)
        fprintf(s->env->err,
                "ers scan: %llu spooled observations were dropped: more than %d MB wait for %s\n",
                (unsigned long long)dropped, SPOOL_MAX >> 20, server);
    if (err)
        return err;
    if (s->options->no_push) {
        snprintf(said, size, "kept for ers push");
        return ERR_OK;
    }
    /* The signal ended the looking; what was found still goes out. */
    struct env calm = *s->env;
    if (is_stopped(s))
        calm.stop = NULL;
    s->agent.env = &calm;
    err = spool_push(&s->agent, &sent, f);
    s->agent.env = s->env;
    if (err) {
        snprintf(said, size, "not pushed to %s, kept for the next scan", server);
        return err;
    }
    snprintf(said, size, "pushed to %s", server);
    if (sent.refused > 0)
        fprintf(s->env->err, "ers scan: the server refused %llu lines, see %s/refused\n",
                (unsigned long long)sent.refused, s->agent.spool);
    return ERR_OK;
}

/* Waiting does not help: someone has to do something here. */
static bool is_ours_to_mend(enum err err) {
    return err == ERR_CREDENTIALS || err == ERR_CLOCK;
}

/* Says it at a terminal at once; else after three days, once a day (cron mails it). */
static void tell_undelivered(struct scan *s, const struct fault *why) {
    enum { QUIET_S = 3 * DAY_S };
    struct agent_delivery d = {0};
    char text[2 * FAULT_DETAIL_MAX];
    uint64_t now_s = (uint64_t)env_now_s(s->env);
    bool is_short =
        agent_delivery_read(&s->agent, &d, NULL) == ERR_OK && now_s < d.failing_s + QUIET_S;
    bool is_told = d.told_s + DAY_S > now_s;
    if (!os_is_terminal(2) && !is_ours_to_mend(why->code) && (is_short || is_told))
        return;
    fprintf(s->env->err, "ers scan: not delivered to %s: %s\n", s->agent.config.server,
            fault_text(why, text, sizeof text));
    d.told_s = now_s;
    if (agent_delivery_write(&s->agent, &d, NULL))
        return; /* told again sooner, then */
}

/* ---- the run ---- */

static int status_of(const struct scan *s, enum err delivered) {
    if (is_stopped(s))
        return err_row(*s->env->stop == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED)->exit_status;
    if (s->fail_on.matched)
        return err_row(ERR_FINDING)->exit_status;
    if (delivered == ERR_OK)
        return 0;
    return err_row(is_ours_to_mend(delivered) ? delivered : ERR_UNDELIVERED)->exit_status;
}

static int finish(struct scan *s, struct fault *f) {
    char said[200];
    struct buf summary;
    scan_clear_progress(s);
    buf_init(&summary, 1 << 20);
    scan_summary_json(s, &summary);
    scan_stream_line(&s->lines, buf_bytes(&summary));
    scan_stream_line(&s->output, buf_bytes(&summary));
    enum err err = scan_stream_close(&s->lines, f);
    if (!err)
        err = scan_stream_close(&s->output, f);
    if (!err && s->wants_rows)
        err = scan_settle(s, f);
    if (!err && s->is_pass && s->complete)
        err = record_passes(s, f);
    enum err delivered = ERR_OK;
    if (!err) {
        delivered = deliver(s, buf_bytes(&summary), said, sizeof said, f);
        if (delivered)
            tell_undelivered(s, f);
        if (s->is_pass && s->spool.err == ERR_OK)
            err = s->complete ? done_remove(&s->done, f) : done_flush(&s->done, f);
        if (s->shows_table)
            scan_show_result(s, said);
    }
    buf_clear(&summary);
    return err ? opt_fail(s->env, s->common, f) : status_of(s, delivered);
}

static int scan(struct scan *s, struct fault *f) {
    struct probe_watch watch = scan_watch(s);
    buf_init(&s->text, TEXT_MAX);
    if (s->options->dry_run)
        return show_plan(s);
    enum err err = open_outputs(s, f);
    if (!err) {
        wait_jitter(s);
        scan_show_estimate(s);
        err = probe_run(s->env, &s->plan, &s->limits, &watch, &s->summary, &s->complete, f);
    }
    if (err) {
        scan_clear_progress(s);
        return opt_fail(s->env, s->common, f);
    }
    return finish(s, f);
}

static void tell_look(const struct scan *s) {
    for (size_t i = 0; s->look && s->look->found && i < s->rows_n; i++)
        s->look->found(s->look->context, &s->rows[i]);
}

static int run_scan(struct scan *s) {
    struct os_lock lock = {.handle = -1};
    struct fault f = {0};
    enum err err = agent_open(s->env, s->common, &s->agent, &f);
    if (!err)
        err = scan_plan_open(s, &f);
    if (!err && s->look && s->look->covered == 0)
        return 0;
    bool is_locked = !s->is_look || s->options->push; /* the state and the spool have one writer */
    if (!err && is_locked && !s->options->dry_run) {
        err = agent_state_make(&s->agent, &f);
        if (!err)
            err = os_lock_open(&lock, s->agent.lock_file, &f);
    }
    int status = err ? opt_fail(s->env, s->common, &f) : scan(s, &f);
    tell_look(s);
    close_outputs(s);
    if (lock.handle != -1)
        os_lock_close(&lock);
    return status;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct scan s = {.env = env, .options = options, .common = common};
    return run_scan(&s);
}

int scan_look(struct env *env, const struct opt_common *common, struct scan_look *look) {
    struct scan_options options = {0};
    struct opt_common quiet = *common;
    struct scan s = {.env = env, .options = &options, .common = &quiet, .look = look};
    defaults(&options);
    options.push = true;
    quiet.quiet = true;
    quiet.json = false;
    quiet.words = (struct opt_list){0};
    look->covered = 0;
    return run_scan(&s);
}

#define AT(member) offsetof(struct scan_options, member)
static const struct opt_row rows[] = {
    {OPT_TEXT,     0, "ports",     "LIST", AT(ports),        "Ports in place of those configured"            },
    {OPT_TEXT,     0, "sni",       "NAME", AT(sni),          "Ask all for this name"                         },
    {OPT_TEXT,     0, "connect",   "ADDR", AT(connect),      "Connect to this address instead of looking up" },
    {OPT_TEXT,     0, "protocol",  "P",    AT(protocol),
     "What is spoken there, for all, instead of what each port has: tls smtp lmtp imap pop3 sieve "
     "ftp ldap xmpp xmpp-server nntp irc postgres mysql telnet mssql rdp http-upgrade"                       },
    {OPT_DURATION, 0, "timeout",   "TIME", AT(timeout_ms),   "For one address of an endpoint (5s)"           },
    {OPT_DURATION, 0, "deadline",  "TIME", AT(deadline_ms),  "For the whole scan (max)"                      },
    {OPT_RATE,     0, "rate",      "N/s",  AT(rate),         "Connections begun a second (500/s)"            },
    {OPT_UINT,     0, "per-host",  "N",    AT(per_host),     "At once to one address (4)"                    },
    {OPT_UINT,     0, "parallel",  "N",    AT(parallel),     "At once in all (1000)"                         },
    {OPT_UINT,     0, "chain-max", "KB",   AT(chain_max_kb),
     "Most that a server may send to show its chain (1024)"                                                  },
    {OPT_DURATION, 0, "jitter",    "TIME", AT(jitter_ms),    "Begin at a random moment within it"            },
    {OPT_TEXT,     0, "faces",     "HOW",  AT(faces),
     "quick: one look at each address; full: every certificate there (by target)"                            },
    {OPT_FLAG,     0, "resume",    NULL,   AT(resume),
     "Leave out what the last scan looked at before it was interrupted"                                      },
    {OPT_FLAG,     0, "push",      NULL,   AT(push),         "Push also what was seen at TARGETs of the line"},
    {OPT_FLAG,     0, "no-push",   NULL,   AT(no_push),      "Keep it in the spool, for ers push"            },
    {OPT_TEXT,     0, "output",    "FILE", AT(output),
     "Also write NDJSON with PEM there; - is standard output"                                                },
    {OPT_FLAG,     0, "all",       NULL,   AT(all),          "Show every endpoint, also silent ones"         },
    {OPT_FLAG,     0, "pem",       NULL,   AT(pem),          "With --json: certificates with their PEM"      },
    {OPT_FLAG,     0, "dry-run",   NULL,   AT(dry_run),      "Say what would be scanned"                     },
    {OPT_LIST,     0, "fail-on",   "LIST", AT(fail_on),      "Exit 6 on: expired, expiring=30d"              },
    {OPT_END,      0, NULL,        NULL,   0,                NULL                                            },
};
#undef AT

const struct opt_command ers_scan = {
    .name = "scan",
    .arguments = "[TARGET...]",
    .summary = "look at the targets and push what is found",
    .examples = "ers scan                              (all that is configured)\n"
                "ers scan mail.example.com:443         (a look, nothing is remembered)\n"
                "ers scan 192.0.2.0/24 --ports 443,8443 --json\n"
                "ers scan --resume                     (after an interrupted one)\n"
                "ers scan --fail-on expired,expiring=14d",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct scan_options),
    .defaults = defaults,
    .run = run,
};
