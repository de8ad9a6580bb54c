/* clm-export: the whole store as CSV, PEM or NDJSON, beside a running server or
 * from a copy. The same store gives the same bytes. */
#include "applets/clm-export/clm-export.h"
#include "applets/clm-export/parts.h"

#include "base/os.h"
#include "base/text.h"
#include "base/version.h"

#include <string.h>

#define AT(member) offsetof(struct export_options, member)
#define ROWS "certificates|endpoints|observations"

static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "data",   "PATH",           AT(data),   "The server's data, a copy of it, or one segment"},
    {OPT_TEXT, 0, "format", "csv|pem|ndjson", AT(format), "How it is written (csv)"                        },
    {OPT_TEXT, 0, "rows",   ROWS,             AT(rows),   "What is written (certificates)"                 },
    {OPT_TEXT, 0, "out",    "FILE",           AT(out),    "Write there, not to standard output"            },
    {OPT_FLAG, 0, "header", NULL,             AT(header), "CSV: a first line with the head of the store"   },
    {OPT_FLAG, 0, "excel",  NULL,             AT(excel),  "CSV: byte order mark, no cell is a formula"     },
    {OPT_FLAG, 0, "chain",  NULL,             AT(chain),  "PEM: what is presented, with its chain"         },
    {OPT_FLAG, 0, "verify", NULL,             AT(verify), "Only read every block, and compute the tree"    },
    {OPT_TEXT, 0, "prove",  "SHA256|SIZE",    AT(prove),
     "Only a proof: a certificate is in the store; an earlier store of SIZE entries is its begin"          },
    {OPT_END,  0, NULL,     NULL,             0,          NULL                                             },
};

static const struct export_format formats[] = {
    {"csv",    "certificates", true,  export_csv_certificates   },
    {"csv",    "endpoints",    true,  export_csv_endpoints      },
    {"csv",    "observations", true,  export_csv_observations   },
    {"pem",    "certificates", false, export_pem_certificates   },
    {"ndjson", "certificates", false, export_ndjson_certificates},
    {"ndjson", "observations", false, export_ndjson_observations},
};

static void defaults(void *options) {
    struct export_options *o = options;
    o->format = "csv";
    o->rows = "certificates";
}

/* The word is named, with what could stand in its place. */
static const struct export_format *find_format(const struct export_options *o, struct fault *f) {
    bool is_format = false;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        bool fits = strcmp(formats[i].format, o->format) == 0;
        is_format |= fits;
        if (fits && strcmp(formats[i].rows, o->rows) == 0)
            return &formats[i];
    }
    if (!is_format)
        fault_set(f, ERR_USAGE, "--format", "%s (csv, pem, ndjson)", o->format);
    else
        fault_set(f, ERR_USAGE, "--rows",
                  "%s as %s (csv: certificates, endpoints, observations; "
                  "pem: certificates; ndjson: certificates, observations)",
                  o->rows, o->format);
    return NULL;
}

static enum err check(const struct export_options *o, const struct export_format *format,
                      struct fault *f) {
    if (o->excel && !format->is_csv)
        return fault_set(f, ERR_USAGE, "--excel", "goes with --format csv");
    if (o->header && !format->is_csv)
        return fault_set(f, ERR_USAGE, "--header", "goes with --format csv");
    if (o->chain && strcmp(format->format, "pem") != 0)
        return fault_set(f, ERR_USAGE, "--chain", "goes with --format pem");
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

/* ---- The header line ---- */

/* The head of the store (RFC 9162): only a log without gaps has one. */
static enum err read_head(const char *path, struct store_account *account, struct fault *f) {
    struct store_reader *r;
    enum err code = store_reader_open(path, &r, f);
    if (code != ERR_OK)
        return code;
    code = store_reader_account(r, NULL, NULL, account, f);
    store_reader_close(r);
    return code;
}

static enum err put_header(struct export_run *run, const char *path, struct fault *f) {
    struct store_account account;
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1], text[200];
    enum err code = read_head(path, &account, f);
    if (code != ERR_OK)
        return code;
    store_tree_root(&account.tree, root);
    hex_write(hex, bytes_of(root, sizeof root));
    snprintf(text, sizeof text, "# clm-export %s, %s; store of %llu entries, head %s", CLM_VERSION,
             run->options->rows, (unsigned long long)account.tree.size,
             account.is_whole ? hex : "not known, entries are missing");
    csv_text(&run->csv, text);
    csv_end(&run->csv);
    return ERR_OK;
}

/* ---- The run ---- */

static enum err write_all(struct export_run *run, const struct export_format *format,
                          const char *path, struct env *env, struct fault *f) {
    enum err code = export_stream_open(&run->stream, env, run->options->out);
    if (code != ERR_OK) {
        *f = run->stream.fault;
        return code;
    }
    run->csv = csv_to(&run->stream.chunk, &run->spare, run->options->excel);
    if (format->is_csv)
        csv_start(&run->csv);
    if (run->options->header)
        code = put_header(run, path, f);
    if (code == ERR_OK)
        code = format->write(run, f);
    enum err written = export_stream_close(&run->stream);
    if (code == ERR_OK && written != ERR_OK) {
        *f = run->stream.fault;
        code = written;
    }
    return code;
}

static enum err export_from(const char *path, const struct export_options *o,
                            const struct export_format *format, struct harms *harms,
                            struct env *env, struct fault *f) {
    struct export_run run = {.options = o};
    enum err code = inventory_read(path, env, tell_harm, harms, &run.inv, f);
    if (code != ERR_OK)
        return code;
    buf_init(&run.spare, EXPORT_ITEM_MAX);
    arena_init(&run.arena, (size_t)4 * EXPORT_ITEM_MAX);
    code = write_all(&run, format, path, env, f);
    if (run.skipped > 0)
        fprintf(env->err, "%s: %llu certificates that do not parse are left out\n",
                harms->common->applet, (unsigned long long)run.skipped);
    if (code == ERR_OK && o->out != NULL && !harms->common->quiet)
        fprintf(env->err, "%s: %s: %llu rows\n", harms->common->applet, o->out,
                (unsigned long long)run.rows);
    inventory_close(run.inv);
    arena_clear(&run.arena);
    buf_clear(&run.spare);
    return code;
}

static int run_export(struct env *env, const void *options, const struct opt_common *common) {
    const struct export_options *o = options;
    struct fault f = {.code = ERR_OK};
    struct harms harms = {.env = env, .common = common, .worst = ERR_OK};
    const struct export_format *format = find_format(o, &f);
    if (format == NULL || check(o, format, &f) != ERR_OK)
        return opt_fail(env, common, &f);
    const char *path = o->data != NULL ? o->data : os_place(common->arena, OS_SERVER_STATE);
    if (path != NULL && o->verify)
        return export_verify(env, common, path);
    if (path != NULL && o->prove != NULL)
        return export_prove(env, common, path, o);
    enum err code = path != NULL
                        ? export_from(path, o, format, &harms, env, &f)
                        : fault_set(&f, ERR_USAGE, "--data", "say where the server's data are");
    if (code != ERR_OK)
        return opt_fail(env, common, &f);
    return err_row(harms.worst)->exit_status;
}

static const struct opt_command clm_export_main = {
    .name = "",
    .arguments = "",
    .summary = "write what the store holds",
    .examples = "clm-export > certificates.csv\n"
                "clm-export --data /mnt/copy --rows endpoints --excel --out endpoints.csv\n"
                "clm-export --format pem --chain --out served.pem\n"
                "clm-export --data /mnt/copy --verify\n"
                "clm-export --prove 9F86D081...0A08 --out proof.json",
    .rows = rows,
    .size = sizeof(struct export_options),
    .defaults = defaults,
    .run = run_export,
};

static const struct opt_command *const commands[] = {&clm_export_main, NULL};

const struct opt_applet applet_clm_export = {
    .name = "clm-export",
    .summary = "writes what the server's store holds as CSV, PEM or NDJSON",
    .commands = commands,
};
