/* clm-export: what the store holds, as tables, certificates, a calendar or a bill of
 * materials, beside a running server or from a copy. The same store gives the same bytes. */
#include "applets/clm-export/clm-export.h"
#include "applets/clm-export/parts.h"

#include "base/clock.h"
#include "base/os.h"

#include <string.h>

#define AT(member) offsetof(struct export_options, member)
#define FORMATS "csv|pem|ndjson|html|ics|cbom"
#define ROWS "certificates|endpoints|observations|services|requests|agents|coverage|audit"

static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "data",       "PATH",        AT(data),       "The server's data, a copy of it, or one segment"   },
    {OPT_TEXT, 0, "format",     FORMATS,       AT(format),     "How it is written (csv)"                           },
    {OPT_TEXT, 0, "rows",       ROWS,          AT(rows),       "What is written (certificates)"                    },
    {OPT_TEXT, 0, "where",      "QUERY",       AT(where),      "Only what the query takes, as in the GUI"          },
    {OPT_LIST, 0, "columns",    "LIST",        AT(columns),
     "These columns, in this order (help: all of them)"                                                            },
    {OPT_TEXT, 0, "as-of",      "DATE",        AT(as_of),
     "As it was at the end of a day, or at a moment; reads all of the log"                                         },
    {OPT_TEXT, 0, "out",        "FILE",        AT(out),        "Write there, not to standard output"               },
    {OPT_TEXT, 0, "split",      "DIR",         AT(split),      "PEM: one file a certificate, into this folder"     },
    {OPT_FLAG, 0, "header",     NULL,          AT(header),     "CSV: a first line with query and head of the store"},
    {OPT_FLAG, 0, "excel",      NULL,          AT(excel),      "CSV: byte order mark, no cell is a formula"        },
    {OPT_FLAG, 0, "chain",      NULL,          AT(chain),      "PEM: what is presented, with its chain"            },
    {OPT_FLAG, 0, "verify",     NULL,          AT(verify),     "Only read every block, and compute the tree"       },
    {OPT_TEXT, 0, "prove",      "SHA256|SIZE", AT(prove),
     "Only a proof: a certificate is in the store; an earlier store of SIZE entries is its begin"                  },
    {OPT_TEXT, 0, "checkpoint", "FILE",        AT(checkpoint),
     "--verify that the store begins with what this signed head has; --prove in it"                                },
    {OPT_TEXT, 0, "log-key",    "FILE|KEY",    AT(log_key),    "Who signs it (log.pub beside the store)"           },
    {OPT_END,  0, NULL,         NULL,          0,              NULL                                                },
};

static const struct export_kind *const kinds[] = {
    &export_certificates, &export_endpoints, &export_observations, &export_services,
    &export_requests,     &export_agents,    &export_coverage,     &export_audit,
};

/* How rows are written. `in`: the columns that stand there by themselves; 0: it has none. */
struct format {
    const char *name;
    bool certificates_only;
    unsigned in;
    enum err (*write)(struct export_run *run, struct fault *f);
};

static const struct format formats[] = {
    {"csv",    false, EXPORT_IN_CSV,  export_as_table},
    {"html",   false, EXPORT_IN_HTML, export_as_page },
    {"ndjson", false, EXPORT_IN_CSV,  export_as_table},
    {"pem",    true,  0,              export_as_pem  },
    {"ics",    true,  0,              export_as_ics  },
    {"cbom",   true,  0,              export_as_cbom },
};

/* Other ways to write, for options or kinds of rows that ask for them. */
static const struct format split = {"pem", true, 0, export_as_split};
static const struct format whole = {"ndjson", false, 0, export_as_ndjson};

static void defaults(void *options) {
    struct export_options *o = options;
    o->format = "csv";
    o->rows = "certificates";
}

static const struct export_kind *find_kind(const char *name) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return &export_certificates; /* the options' table lets nothing else through */
}

static const struct format *find_format(const struct export_options *o,
                                        const struct export_kind *kind) {
    const struct format *found = &formats[0];
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, o->format) == 0)
            found = &formats[i];
    if (o->split != NULL && found->write == export_as_pem)
        return &split;
    bool has_objects = kind == &export_certificates || kind == &export_observations;
    if (strcmp(found->name, "ndjson") == 0 && has_objects && o->columns.n == 0)
        return &whole;
    return found;
}

/* Options that do not go together are named, and nothing is written. */
static enum err check(const struct export_options *o, const struct export_kind *kind,
                      const struct format *format, struct fault *f) {
    bool is_csv = strcmp(format->name, "csv") == 0, is_pem = strcmp(format->name, "pem") == 0;
    if (format->certificates_only && kind != &export_certificates)
        return fault_set(f, ERR_USAGE, "--rows", "%s are written as csv, html or ndjson, not as %s",
                         kind->name, format->name);
    if (o->excel && !is_csv)
        return fault_set(f, ERR_USAGE, "--excel", "goes with --format csv");
    if (o->header && !is_csv)
        return fault_set(f, ERR_USAGE, "--header", "goes with --format csv; others have it");
    if (o->chain && !is_pem)
        return fault_set(f, ERR_USAGE, "--chain", "goes with --format pem");
    if (o->split != NULL && !is_pem)
        return fault_set(f, ERR_USAGE, "--split", "goes with --format pem");
    if (o->split != NULL && o->out != NULL)
        return fault_set(f, ERR_USAGE, "--split", "goes without --out");
    if (o->columns.n > 0 && format->in == 0)
        return fault_set(f, ERR_USAGE, "--columns", "goes with --format csv, html or ndjson");
    if (o->where != NULL && kind->rows == 0)
        return fault_set(f, ERR_USAGE, "--where", "cannot be asked of %s yet", kind->name);
    return ERR_OK;
}

/* ---- Damage ---- */

struct harms {
    const struct env *env;
    const struct opt_common *common;
    enum err worst;
};

static void tell_harm(void *context, const struct store_harm *harm) {
    struct harms *h = context;
    struct buf text;
    bool is_torn = store_harm_code(harm) == ERR_OK;
    buf_init(&text, 1000);
    store_harm_text(harm, &text);
    fprintf(h->env->err, "%s: %s%s%s\n", h->common->applet, is_torn ? "warning: " : "",
            buf_cstr(&text),
            is_torn ? "; what is before it is exported" : "; the rest is exported");
    buf_clear(&text);
    if (!is_torn && h->worst != ERR_DAMAGED)
        h->worst = store_harm_code(harm);
}

/* ---- The run ---- */

static enum err write_all(struct export_run *run, const struct format *format, struct env *env,
                          struct fault *f) {
    enum err code = export_stream_open(&run->stream, env, run->options->out);
    if (code != ERR_OK) {
        *f = run->stream.fault;
        return code;
    }
    code = format->write(run, f);
    enum err written = export_stream_close(&run->stream);
    if (code == ERR_OK && written != ERR_OK) {
        *f = run->stream.fault;
        code = written;
    }
    return code;
}

static void tell_end(const struct export_run *run, const struct harms *harms, struct env *env) {
    const struct export_options *o = run->options;
    const char *where = o->split != NULL ? o->split : o->out;
    if (run->skipped > 0)
        fprintf(env->err, "%s: %llu certificates that do not parse are left out\n",
                harms->common->applet, (unsigned long long)run->skipped);
    if (where != NULL && !harms->common->quiet)
        fprintf(env->err, "%s: %s: %llu %s\n", harms->common->applet, where,
                (unsigned long long)run->rows, o->split != NULL ? "files" : "rows");
}

/* The day from which on nothing was dropped. */
static const char *past_day(const struct inventory_past *past, char out[CLOCK_TEXT_MAX]) {
    return past->before_ms != 0 ? clock_write(past->before_ms / 1000, out) : "a day not known";
}

/* What follows from observations that are gone is not told. The audit trail is whole, and the list
 * of observations says what is missing. */
static enum err check_past(const struct export_run *run, struct fault *f) {
    struct inventory_past past = inventory_past(run->inv);
    char when[CLOCK_TEXT_MAX];
    if (run->options->as_of == NULL || past.is_exact || run->kind == &export_audit ||
        run->kind == &export_observations)
        return ERR_OK;
    return fault_set(f, ERR_NOT_FOUND, "--as-of",
                     "observations before %s were dropped (clm-server compact): what was then is "
                     "not known exactly",
                     past_day(&past, when));
}

static void tell_past(const struct export_run *run, const struct harms *harms, struct env *env) {
    struct inventory_past past = inventory_past(run->inv);
    char when[CLOCK_TEXT_MAX];
    if (run->kind == &export_observations && past.dropped > 0 && !harms->common->quiet)
        fprintf(env->err, "%s: from %llu entries observations before %s were dropped\n",
                harms->common->applet, (unsigned long long)past.dropped, past_day(&past, when));
}

static enum err export_from(struct export_run *run, const struct format *format,
                            struct harms *harms, struct env *env, struct fault *f) {
    enum err code = inventory_read(run->path, env, run->until_ms, tell_harm, harms, &run->inv, f);
    if (code != ERR_OK)
        return code;
    if (run->options->as_of == NULL)
        run->as_of_s = inventory_last_ms(run->inv) / 1000;
    buf_init(&run->spare, EXPORT_ITEM_MAX);
    buf_init(&run->line, EXPORT_ITEM_MAX);
    arena_init(&run->arena, (size_t)4 * EXPORT_ITEM_MAX);
    code = check_past(run, f);
    if (code == ERR_OK)
        code = write_all(run, format, env, f);
    if (code == ERR_OK)
        tell_end(run, harms, env);
    if (code == ERR_OK)
        tell_past(run, harms, env);
    inventory_close(run->inv);
    arena_clear(&run->arena);
    buf_clear(&run->line);
    buf_clear(&run->spare);
    return code;
}

/* A day counts to its end, a moment with its second. */
static enum err read_as_of(struct export_run *run, const struct env *env, struct fault *f) {
    int64_t from, to;
    run->until_ms = INT64_MAX;
    if (run->options->as_of == NULL)
        return ERR_OK;
    if (!query_time_read(bytes_text(run->options->as_of), env_now_s(env), &from, &to))
        return fault_set(f, ERR_USAGE, "--as-of",
                         "a date is expected: 2026-12-31, 2026-12, -7d, 2026-12-31T12:00:00Z");
    run->as_of_s = to - 1;
    run->until_ms = to * 1000 - 1;
    return ERR_OK;
}

/* Times in the query that are counted from now are counted from --as-of. */
static enum err read_where(struct export_run *run, struct arena *a, const struct env *env,
                           struct fault *f) {
    struct query_error e;
    const char *text = run->options->where;
    int64_t now_s = run->options->as_of != NULL ? run->as_of_s : env_now_s(env);
    if (text == NULL)
        return ERR_OK;
    enum err code =
        query_parse(a, bytes_text(text), (enum query_rows)run->kind->rows, now_s, &run->where, &e);
    if (code == ERR_OK)
        return ERR_OK;
    query_fault(&e, "--where", f);
    f->code = code == ERR_MEMORY ? code : ERR_USAGE;
    return f->code;
}

static enum err prepare(struct export_run *run, const struct format *format, struct arena *a,
                        const struct env *env, struct fault *f) {
    enum err code = check(run->options, run->kind, format, f);
    if (code == ERR_OK && format->in != 0)
        code = export_pick_columns(run, format->in, f);
    if (code == ERR_OK)
        code = read_as_of(run, env, f);
    if (code == ERR_OK)
        code = read_where(run, a, env, f);
    if (code == ERR_OK && run->path == NULL)
        code = fault_set(f, ERR_USAGE, "--data", "say where the server's data are");
    return code;
}

static int list_columns(struct env *env, const struct export_kind *kind) {
    for (size_t i = 0; i < kind->columns_n; i++)
        fprintf(env->out, "%-14s %s\n", kind->columns[i].name, kind->columns[i].title);
    return 0;
}

static int run_export(struct env *env, const void *options, const struct opt_common *common) {
    const struct export_options *o = options;
    struct fault f = {.code = ERR_OK};
    struct harms harms = {.env = env, .common = common, .worst = ERR_OK};
    struct export_run run = {.options = o, .kind = find_kind(o->rows)};
    const struct format *format = find_format(o, run.kind);
    if (o->columns.n == 1 && strcmp(o->columns.items[0], "help") == 0)
        return list_columns(env, run.kind);
    run.path = o->data != NULL ? o->data : os_place(common->arena, OS_SERVER_STATE);
    if (o->checkpoint != NULL && !o->verify && o->prove == NULL) {
        fault_set(&f, ERR_USAGE, "--checkpoint", "goes with --verify or --prove");
        return opt_fail(env, common, &f);
    }
    if (run.path != NULL && o->verify)
        return export_verify(env, common, run.path, o);
    if (run.path != NULL && o->prove != NULL)
        return export_prove(env, common, run.path, o);
    enum err code = prepare(&run, format, common->arena, env, &f);
    if (code == ERR_OK)
        code = export_from(&run, format, &harms, env, &f);
    if (code != ERR_OK)
        return opt_fail(env, common, &f);
    return err_row(harms.worst)->exit_status;
}

static const struct opt_command clm_export_main = {
    .name = "",
    .arguments = "",
    .summary = "write what the store holds",
    .examples = "clm-export > certificates.csv\n"
                "clm-export --where 'is:served expires<30d' --columns name,not_after,owner\n"
                "clm-export --data /mnt/copy --rows endpoints --excel --out endpoints.csv\n"
                "clm-export --format html --where 'is:served owner:none' --out report.html\n"
                "clm-export --format ics --where is:served --out ends.ics\n"
                "clm-export --format pem --chain --split served\n"
                "clm-export --as-of 2026-12-31 --header --out year.csv\n"
                "clm-export --data /mnt/copy --verify\n"
                "clm-export --verify --checkpoint last-year.txt\n"
                "clm-export --prove 9F86D081...0A08 --out proof.json",
    .rows = rows,
    .size = sizeof(struct export_options),
    .defaults = defaults,
    .run = run_export,
};

static const struct opt_command *const commands[] = {&clm_export_main, NULL};

const struct opt_applet applet_clm_export = {
    .name = "clm-export",
    .summary = "writes what the server's store holds as CSV, PEM, HTML and other formats",
    .commands = commands,
};
